import type { RefreshContext } from '../../core/refresher.ts'
import type { CredentialSettings } from '../options.ts'
import { loggedOut } from '../record/failures.ts'
import type { TokenRecord } from '../record/token-record.ts'
import type { StoredRecord } from '../store.ts'
import { type AccessToken, expiryOf } from '../token.ts'
import { isSendable } from '../token/usable-token.ts'
import { fitOf } from './made-for.ts'

/**
 * Adopts a token that another process wrote to the store, if it can be sent and its revision is higher than the last one that this process
 * knows. Comparing tokens is not enough: an already redeemed token also differs from ours.
 */
export function adopt(
  { clock, source, audience }: CredentialSettings,
  record: TokenRecord,
  stored: StoredRecord | undefined,
  { current }: RefreshContext<AccessToken>,
): AccessToken | undefined {
  if (stored === undefined || stored.revision <= record.revision) return undefined
  const { token, revision, failure } = stored
  if (token === undefined) {
    if (failure === undefined) throw loggedOut()
    return undefined
  }
  const isExpired = (expiryOf(token) ?? Infinity) <= clock.now()
  if (isExpired || !isSendable(token) || token.accessToken === current?.value.accessToken) return undefined
  if (fitOf(stored, source) !== 'same') return undefined
  const type = record.revision === 0 && current === undefined ? 'loaded' : 'adopted'
  record.know(stored)
  audience.tell({ type, revision })
  return token
}

/** The token to replace: the stored one if its revision is higher than the last one that this process knows, else the last known token. */
export function tokenBefore(record: TokenRecord, stored: StoredRecord | undefined): AccessToken | undefined {
  const isNewer = stored !== undefined && stored.revision > record.revision
  return isNewer ? stored.token : (record.latest ?? stored?.token)
}
