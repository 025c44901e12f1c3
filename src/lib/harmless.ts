/** What a server says of codes, not of secrets: Entra ID's, Okta's, IBM's. */
const KNOWN_CODE = /^[^\w]?(?:AADSTS\d{4,8}|E\d{7}|BXN[A-Z]{2,3}\d{4}E)[^\w]{0,2}$/

/**
 * What somebody else says, as it may be shown in a message: one line of at most 256 characters without control characters, without
 * what was sent as a secret, and without what may be one: long words, shorter ones with digits, and addresses.
 *
 * @param secrets what must not come back
 */
export function harmless(said: string, secrets: readonly string[]): string {
  let text = said.slice(0, 1024)
  for (const secret of secrets) if (secret.length > 2) text = text.replaceAll(secret, '…')
  return text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\S+/g, (word) => (isSuspect(word) ? '…' : word))
    .slice(0, 256)
    .trim()
}

function isSuspect(word: string): boolean {
  if (word.length >= 20 || /.@./.test(word)) return true
  return word.length >= 8 && /\d/.test(word) && !KNOWN_CODE.test(word)
}
