/** A `CryptoKey` of the Web Crypto API. A type of our own, because Node's types have no such global, and runtimes list different usages. */
export interface WebCryptoKey {
  readonly type: string
  readonly extractable: boolean
  readonly algorithm: { readonly name: string }
  readonly usages: readonly string[]
}
