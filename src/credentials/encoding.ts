import { RefreshError } from '../core/errors.ts'
import { type AccessToken, readToken } from './token.ts'

const FORMAT = 'llm-refresh/token'
const VERSION = 1

/** A token, or a tombstone, as text. The key is in it, so that no record can be taken for that of another account. */
export function encodeRecord(key: string, token: AccessToken | undefined): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, key, token: token ?? null })}\n`
}

/**
 * @param place where it was found, for the error
 * @param mending what to do about it
 * @throws RefreshError `store_invalid`, which tells nothing of what was found
 */
export function decodeRecord(
  text: string,
  key: string,
  place: string,
  mending = 'move it away, and log in again.',
): AccessToken | undefined {
  const invalid = (what: string): RefreshError =>
    new RefreshError('store_invalid', `${place} ${what} It is left as it is: ${mending}`)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw invalid('is damaged, or was written by another program.')
  }
  const field = (name: string): unknown => Reflect.get(Object(parsed), name)
  if (field('format') !== FORMAT) throw invalid('was written by another program.')
  if (field('version') !== VERSION) throw invalid('was written by a later version of llm-refresh: upgrade.')
  if (field('key') !== key) throw invalid('is the record of another account.')
  if (field('token') === null) return undefined
  try {
    return readToken(field('token'))
  } catch {
    throw invalid('holds no token.')
  }
}

/** Of whose account a record is; undefined where it is none. */
export function keyOf(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    const key: unknown = Reflect.get(Object(parsed), 'key')
    return typeof key === 'string' ? key : undefined
  } catch {
    return undefined
  }
}
