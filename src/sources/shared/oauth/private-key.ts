import type { Source } from '../../../credential/source.ts'
import { RefreshError } from '../../../errors.ts'
import { optionError } from '../../../lib/options.ts'
import { assertWebCrypto, isCryptoKey } from '../../../lib/web-crypto.ts'
import { checkSecret, readSecret, type SecretOption } from '../secret.ts'
import type { Jwk, PrivateKey } from './options.ts'

/** The algorithm of each curve (RFC 7518 section 3.1, RFC 9864). */
const OF_CURVE: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'Ed25519',
}

/** @throws RefreshError `invalid_option` */
export function checkPrivateKey(given: PrivateKey): PrivateKey {
  const key = given?.key
  if (typeof key !== 'object' || key === null || isSource(key)) checkSecret('privateKey.key', key)
  else if (isCryptoKey(key) && (key.type !== 'private' || !key.usages.includes('sign'))) {
    throw optionError('privateKey.key', 'must be a private key that may sign')
  }
  return given
}

/** @throws RefreshError `invalid_option` for a key that cannot be read. The message shows nothing of the key. */
export async function readPrivateKey(
  { key, kid, alg }: PrivateKey,
  signal: AbortSignal,
): Promise<{ key: CryptoKey; kid?: string }> {
  if (isCryptoKey(key)) return named(key, kid)
  assertWebCrypto("'privateKey'")
  const given = isSecret(key) ? readText(await readSecret('privateKey.key', key, signal)) : key
  const jwk = given instanceof Uint8Array || isJwk(given) ? given : {}
  const own = jwk instanceof Uint8Array ? {} : jwk
  const name: unknown = Reflect.get(own, 'kid')
  const algorithm = alg ?? own.alg ?? OF_CURVE[own.crv ?? ''] ?? 'RS256'
  try {
    const how = importAlgorithm(algorithm)
    const imported =
      jwk instanceof Uint8Array
        ? await crypto.subtle.importKey('pkcs8', jwk, how, false, ['sign'])
        : await crypto.subtle.importKey('jwk', withoutUse(jwk), how, false, ['sign'])
    return named(imported, kid ?? (typeof name === 'string' ? name : undefined))
  } catch {
    // The platform's own error may quote the key.
    throw optionError('privateKey.key', `cannot be read as a private key for ${algorithm}: name its 'alg'`)
  }
}

/** A name for a key that is no secret: the server's name for it, or a fingerprint. */
export async function nameOfPrivateKey({ key, kid }: PrivateKey, signal: AbortSignal): Promise<string> {
  if (isCryptoKey(key)) return kid ?? key.algorithm.name
  const text = isSecret(key) ? await readSecret('privateKey.key', key, signal) : JSON.stringify(key)
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const hex = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${kid ?? ''} ${hex}`
}

function named(key: CryptoKey, kid: string | undefined): { key: CryptoKey; kid?: string } {
  return kid === undefined ? { key } : { key, kid }
}

/** A PEM's bytes, or a JWK. */
function readText(text: string): Uint8Array<ArrayBuffer> | Jwk {
  try {
    const jwk: unknown = text.startsWith('{') ? JSON.parse(text) : undefined
    if (isJwk(jwk)) return jwk
    // Environment variables often hold escaped line ends.
    const plain = text.replaceAll(/\\r|\\n/g, '\n')
    const [, base64 = ''] = /-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----/.exec(plain) ?? []
    if (base64 !== '') return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  } catch {
    // The error below says so.
  }
  throw new RefreshError(
    'invalid_option',
    "'privateKey.key' must be a PKCS #8 PEM (BEGIN PRIVATE KEY) or a JWK.",
  )
}

/** Drops the JWK's statements about its use. With them the platform may refuse to import the key for signing. */
function withoutUse({ key_ops: _ops, use: _use, alg: _alg, ...jwk }: Jwk): Jwk {
  return jwk
}

function importAlgorithm(alg: string): RsaHashedImportParams | EcKeyImportParams | Algorithm {
  const hash = `SHA-${alg.slice(2)}`
  switch (alg.slice(0, 2)) {
    case 'RS':
      return { name: 'RSASSA-PKCS1-v1_5', hash }
    case 'PS':
      return { name: 'RSA-PSS', hash }
    case 'ES':
      return { name: 'ECDSA', namedCurve: alg === 'ES512' ? 'P-521' : `P-${alg.slice(2)}` }
    default:
      return { name: alg === 'EdDSA' ? 'Ed25519' : alg }
  }
}

function isSecret(key: PrivateKey['key']): key is SecretOption {
  return typeof key !== 'object' || isSource(key)
}

function isSource(key: object): key is Source {
  return 'issue' in key
}

function isJwk(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null
}
