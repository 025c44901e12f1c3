/** A key of the Web Crypto API: a `CryptoKey`. Node's own types have no global of that name, and runtimes list different usages. */
export interface WebCryptoKey {
  readonly type: string
  readonly extractable: boolean
  readonly algorithm: { readonly name: string }
  readonly usages: readonly string[]
}
