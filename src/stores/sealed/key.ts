import { RefreshError } from '../../errors.ts'
import { describe, optionError } from '../../lib/options.ts'
import type { WebCryptoKey } from '../../lib/web-crypto-key.ts'
import { assertWebCrypto, isCryptoKey } from '../../lib/web-crypto.ts'

/** A key that seals records. */
export interface SealingKey {
  /** The key's name, which is no secret: each record that the key seals contains it, and so do errors. At most 256 characters. */
  readonly id: string
  /** 32 random bytes: as bytes, as text in base64 or base64url, or as a key of the Web Crypto API for AES-GCM. */
  readonly secret: string | Uint8Array | WebCryptoKey
}

/** A key that is ready for use. A key that we imported from bytes is not extractable, so no code can read or print it. */
export interface Key {
  readonly id: string
  readonly secret: WebCryptoKey
}

/** The first key seals, all of them open. */
export type Keys = readonly [Key, ...Key[]]

interface CheckedKey {
  readonly id: string
  readonly secret: Uint8Array | WebCryptoKey
}
type CheckedKeys = readonly [CheckedKey, ...CheckedKey[]]

const LENGTH = 32
const HELP = '`openssl rand -base64 32` makes one'

/**
 * Checks the keys, and copies them.
 *
 * @throws RefreshError `invalid_option`, which quotes no secret
 */
export function checkKeys(given: unknown): CheckedKeys {
  if (!Array.isArray(given)) {
    const what = `must be a list of { id, secret }, or a function that gives it, not ${describe(given)}`
    throw optionError('keys', what)
  }
  const ids = new Set<string>()
  const [first, ...others] = given.map((key: unknown, index) => {
    const id = checkId(`keys[${index}].id`, Reflect.get(Object(key), 'id'))
    if (ids.has(id))
      throw new RefreshError(
        'invalid_option',
        `Two sealing keys have the id ${JSON.stringify(id)}: give each its own.`,
      )
    ids.add(id)
    const secret: unknown = Reflect.get(Object(key), 'secret')
    return { id, secret: checkSecret(id, secret, index === 0) }
  })
  if (first === undefined) throw optionError('keys', 'must hold a key: without one, nothing can be sealed')
  return [first, ...others]
}

export function importKeys([first, ...others]: CheckedKeys): Promise<Keys> {
  return Promise.all([importKey(first), ...others.map(importKey)])
}

async function importKey({ id, secret }: CheckedKey): Promise<Key> {
  if (!ArrayBuffer.isView(secret)) return { id, secret }
  assertWebCrypto('A sealed store')
  const key = await crypto.subtle.importKey('raw', new Uint8Array(secret), 'AES-GCM', false, [
    'encrypt',
    'decrypt',
  ])
  return { id, secret: key }
}

function checkId(name: string, id: unknown): string {
  if (typeof id === 'string' && id !== '' && id.length <= 256) return id
  throw optionError(name, 'must be a text of 1 to 256 characters')
}

function checkSecret(id: string, secret: unknown, seals: boolean): CheckedKey['secret'] {
  if (isCryptoKey(secret)) return checkCryptoKey(id, secret, seals)
  const bytes = typeof secret === 'string' ? fromBase64(secret) : copyOf(secret)
  if (bytes === undefined) {
    const what = typeof secret === 'string' ? 'a text that is no base64' : describe(secret)
    throw secretError(id, `must be ${LENGTH} bytes, as they are or in base64, not ${what}: ${HELP}`)
  }
  if (bytes.length !== LENGTH) throw secretError(id, `must be ${LENGTH} bytes, not ${bytes.length}: ${HELP}`)
  return bytes
}

function checkCryptoKey(id: string, key: CryptoKey, seals: boolean): CryptoKey {
  const isFit = key.algorithm.name === 'AES-GCM' && Reflect.get(key.algorithm, 'length') === LENGTH * 8
  if (!isFit) throw secretError(id, 'must be a key for AES-GCM, of 256 bits')
  const needed: KeyUsage[] = seals ? ['encrypt', 'decrypt'] : ['decrypt']
  const lacking = needed.filter((usage) => !key.usages.includes(usage))
  if (lacking.length > 0) throw secretError(id, `must be a key that may ${lacking.join(' and ')}`)
  return key
}

function secretError(id: string, problem: string): RefreshError {
  return new RefreshError('invalid_option', `The secret of the sealing key ${JSON.stringify(id)} ${problem}.`)
}

/** Copies the bytes. It does not check the class, because a host may have several of each, as in tests that run in their own contexts. */
function copyOf(secret: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (!ArrayBuffer.isView(secret)) return undefined
  return new Uint8Array(new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength))
}

/** Decodes base64. It trims the text, because the content of a file or a variable often ends with a line break. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = atob(text.trim().replaceAll('-', '+').replaceAll('_', '/'))
    return Uint8Array.from(bytes, (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}
