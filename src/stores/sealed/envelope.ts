import type * as jose from 'jose'
import { decodeRecord, encodeRecord } from '../../credential/record/record-format.ts'
import { SEALED } from '../../credential/record/sealed-mark.ts'
import type { RecordContent } from '../../credential/store.ts'
import type { AccessToken } from '../../credential/token.ts'
import { RefreshError } from '../../errors.ts'
import { loadPeer } from '../../lib/optional-package.ts'
import type { KeyRing } from './key-ring.ts'
import type { Key } from './key.ts'

/** RFC 7518 sections 4.5 and 5.3: the key encrypts the content directly. No other algorithm is accepted. */
const [ALG, ENC] = ['dir', 'A256GCM'] as const

const MENDING = 'log out and log in again.'

/** @throws RefreshError `invalid_option` if `jose` is not installed */
export function loadJose(): Promise<typeof jose> {
  return loadPeer('jose', () => import('jose'))
}

/**
 * A record as a JWE in compact form (RFC 7516 section 3.1), in the place of its token. The account is inside, so that the record cannot pass
 * for the record of another account.
 */
export async function seal(
  { id, secret }: Key,
  account: string,
  content: RecordContent,
): Promise<AccessToken> {
  const { CompactEncrypt } = await loadJose()
  const bytes = new TextEncoder().encode(encodeRecord(account, content))
  const header = { alg: ALG, enc: ENC, kid: id }
  const accessToken = await new CompactEncrypt(bytes).setProtectedHeader(header).encrypt(secret)
  return { accessToken, tokenType: SEALED }
}

/** Opens a sealed record. @throws RefreshError `store_invalid`; the errors of the key ring */
export async function open(
  { accessToken }: AccessToken,
  account: string,
  ring: KeyRing,
): Promise<RecordContent> {
  const peer = await loadJose()
  const place = `The sealed record of ${JSON.stringify(account)}`
  const damaged = (cause?: unknown): RefreshError =>
    invalid(`${place} is damaged, or was sealed by another program: ${MENDING}`, cause)
  const id = keyIdOf(accessToken, peer)
  if (id === undefined) throw damaged()
  const [shown, key] = [JSON.stringify(id.slice(0, 256)), await ring.find(id)]
  if (key === undefined) {
    throw invalid(`${place} needs the key ${shown}, which is not among ${ring.ids}: add it, or ${MENDING}`)
  }
  const options: jose.DecryptOptions = {
    keyManagementAlgorithms: [ALG],
    contentEncryptionAlgorithms: [ENC],
    // We never compress. So refuse a compressed text, which could grow to any size.
    maxDecompressedLength: 0,
  }
  const decrypt = async ({ secret }: Key): Promise<Uint8Array> =>
    (await peer.compactDecrypt(accessToken, secret, options)).plaintext
  const decryptAnew = async (error: unknown): Promise<Uint8Array> => {
    const anew = error instanceof peer.errors.JWEDecryptionFailed ? await ring.findAnew(id) : undefined
    if (anew === undefined) throw error
    return decrypt(anew)
  }
  let content: Uint8Array
  try {
    content = await decrypt(key).catch(decryptAnew)
  } catch (error) {
    if (error instanceof RefreshError) throw error
    if (!(error instanceof peer.errors.JWEDecryptionFailed)) throw damaged(error)
    const why = 'its secret is another one here, or the record was changed'
    throw invalid(
      `${place} cannot be opened with the key ${shown}: ${why}. Mend the secret, or ${MENDING}`,
      error,
    )
  }
  return decodeRecord(new TextDecoder().decode(content), account, place, MENDING)
}

/** For a record that is not sealed: it was written without this store, or its mark was removed. */
export function unsealed(account: string): RefreshError {
  const what = `The record of ${JSON.stringify(account)} is not sealed`
  return invalid(`${what}: adopt it, or ${MENDING}`)
}

/** The id of the key that sealed a record (RFC 7516 section 4.1.6); undefined if the text is no JWE, or names no key. */
function keyIdOf(jwe: string, peer: typeof jose): string | undefined {
  try {
    const { kid }: { kid?: unknown } = peer.decodeProtectedHeader(jwe)
    return typeof kid === 'string' ? kid : undefined
  } catch {
    return undefined
  }
}

function invalid(message: string, cause?: unknown): RefreshError {
  return new RefreshError('store_invalid', message, cause === undefined ? {} : { cause })
}
