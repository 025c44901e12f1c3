import { RefreshError } from '../errors.ts'

/** False on a platform without `CryptoKey`, such as a page that was not loaded over https. */
export function isCryptoKey(key: unknown): key is CryptoKey {
  return typeof CryptoKey === 'function' && key instanceof CryptoKey
}

/**
 * @param what the part of the library that needs it, for the message
 * @throws RefreshError `invalid_option` if the platform has no `crypto.subtle`
 */
export function assertWebCrypto(what: string): void {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
  if (subtle !== undefined) return
  throw new RefreshError(
    'invalid_option',
    `${what} needs the Web Crypto API, and this platform has no crypto.subtle: load the page over https or from localhost, or, in React Native, add a polyfill.`,
  )
}
