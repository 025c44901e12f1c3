/** Bytes of the salt, and of the hash. The hash is cut short, so that no search can prove which text was hashed. */
const LENGTH = 8

/**
 * A salted hash over texts, as `salt:hash` in hex. It shows whether the texts are the same again, and shows nothing else about them.
 * undefined on a platform without `crypto.subtle`, such as a page that was not loaded over https.
 */
export async function fingerprint(parts: readonly string[]): Promise<string | undefined> {
  const salt = globalThis.crypto?.getRandomValues(new Uint8Array(LENGTH))
  return salt && (await salted(hexOf(salt), parts))
}

/** True if these texts made this fingerprint. */
export async function isFingerprintOf(made: string, parts: readonly string[]): Promise<boolean> {
  const [salt = ''] = made.split(':', 1)
  return (await salted(salt, parts)) === made
}

async function salted(salt: string, parts: readonly string[]): Promise<string | undefined> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
  if (subtle === undefined) return undefined
  const bytes = new TextEncoder().encode(JSON.stringify([salt, ...parts]))
  const hash = new Uint8Array(await subtle.digest('SHA-256', bytes))
  return `${salt}:${hexOf(hash.subarray(0, LENGTH))}`
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
