import { createHash, randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import type { MadeFor } from '../../credential/store.ts'
import type { CommandSettings } from './options.ts'

/** bytes of the salt and of the hash. Who reads both can guess a short text: only a long secret is safe in it. */
const LENGTH = 8

/**
 * Whose tokens a command prints, as far as its options tell: the name of its program, wherever that is, and what is given as its identity.
 * That may hold a secret: a salted hash of it is stored.
 *
 * @param stored what a record was made for
 */
export function boundAs({ file, identity }: CommandSettings, stored: MadeFor | undefined): MadeFor {
  const issuer = programOf(file)
  if (identity === undefined) return { issuer, identity: '' }
  const made = stored?.identity ?? ''
  const [salt = ''] = made.split(':', 1)
  const isSame = salt !== '' && salted(salt, identity) === made
  return { issuer, identity: isSame ? made : salted(randomBytes(LENGTH).toString('hex'), identity) }
}

/** The program, wherever it is. */
export function programOf(file: string): string {
  return `command:${basename(file).replace(/\.(?:exe|com)$/i, '')}`
}

function salted(salt: string, text: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([salt, text]))
    .digest()
  return `${salt}:${hash.subarray(0, LENGTH).toString('hex')}`
}
