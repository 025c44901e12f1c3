import { decodeProtectedHeader } from 'jose'
import type { AccessToken, Store } from '../../src/index.ts'

interface BytesKey {
  readonly id: string
  readonly secret: Uint8Array<ArrayBuffer>
}

export function newKey(id: string): BytesKey {
  return { id, secret: crypto.getRandomValues(new Uint8Array(32)) }
}

/** What is stored under a key, as who has no key for it sees it. */
export async function inside(store: Store, key = 'me'): Promise<AccessToken> {
  return (await store.read(key))?.token ?? { accessToken: '' }
}

/** The id of the key that sealed it. */
export async function sealedWith(store: Store, key = 'me'): Promise<unknown> {
  return decodeProtectedHeader((await inside(store, key)).accessToken).kid
}
