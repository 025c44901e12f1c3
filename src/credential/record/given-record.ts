import { RefreshError } from '../../errors.ts'
import type { StoredRecord } from '../store.ts'
import { type AccessToken, readToken } from '../token.ts'
import { sealedElsewhere } from './failures.ts'
import { isObject, readMembers } from './record-format.ts'
import { isSealedToken } from './sealed-mark.ts'

/** The member of a record that holds something other than a credential, such as the registration of a client: it names the content. */
export const HOLDS = 'holds'

/**
 * Checks a record from a store before the credential sends or writes anything, because a user's own store may return anything. A process
 * without keys neither uses nor overwrites a sealed record.
 *
 * @returns undefined if there is no record
 * @throws RefreshError `store_invalid`
 */
export function givenRecord(given: unknown): StoredRecord | undefined {
  if (given === undefined || given === null) return undefined
  if (!isObject(given)) throw invalid('it is no object')
  const { token: givenToken, revision, ...rest } = given
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 0) {
    throw invalid('its revision is no whole number from 0 to 2^53 - 1')
  }
  if (typeof rest[HOLDS] === 'string') throw notOurs(rest[HOLDS])
  const token = tokenOf(givenToken)
  if (isSealedToken(token)) throw sealedElsewhere()
  return { ...readMembers(rest), token, revision }
}

/**
 * Checks the record in force that a store returned after a write.
 *
 * @throws RefreshError `store_invalid`
 */
export function recordInForce(given: unknown): StoredRecord {
  const record = givenRecord(given)
  if (record === undefined) throw invalid('update() and replace() give the record in force, and it gave none')
  return record
}

function tokenOf(given: unknown): AccessToken | undefined {
  if (given === undefined || given === null) return undefined
  try {
    return readToken(given)
  } catch {
    throw invalid('its token is none')
  }
}

function invalid(why: string): RefreshError {
  const mending = 'Mend the store: the cases of storeContract() in llm-refresh/testing show what it must do.'
  return new RefreshError('store_invalid', `The store gave what is no record: ${why}. ${mending}`)
}

function notOurs(held: string): RefreshError {
  const what = /^[a-z-]{1,32}$/.test(held) ? `'${held}'` : 'something else'
  const message = `The record holds no credential, but ${what}, as its key says. It is left as it is: give the credential another name.`
  return new RefreshError('store_invalid', message)
}
