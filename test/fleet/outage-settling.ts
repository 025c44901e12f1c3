import { setTimeout as sleep } from 'node:timers/promises'
import { createCredential, type Store } from '../../src/index.ts'
import type { TokenEndpoint } from './outage-endpoint.ts'

/** Resolves when every received token is in the store. @returns how many are not after so many ms */
export async function stored(
  store: Store,
  endpoint: TokenEndpoint,
  accounts: readonly string[],
  ms: number,
): Promise<number> {
  let missing = [...accounts]
  for (const over = performance.now() + ms; missing.length > 0 && performance.now() < over; await sleep(20)) {
    const [first = ''] = missing
    if ((await refreshTokenOf(store, first)) !== endpoint.inForce(first)) continue
    const found = await Promise.all(missing.map((account) => refreshTokenOf(store, account)))
    missing = missing.filter((account, n) => found[n] !== endpoint.inForce(account))
  }
  return missing.length
}

async function refreshTokenOf(store: Store, account: string): Promise<string | undefined> {
  const record = await store.read(account).catch(() => undefined)
  return record?.token?.refreshToken
}

/** How long a login and a logout take, from the moment that the store is reachable again. */
export async function settling(
  store: Store,
  forLogin: string,
  forLogout: string,
): Promise<{ loginTook: number; logoutTook: number }> {
  for (const over = performance.now() + 30_000; performance.now() < over; await sleep(20))
    if (
      await store.read(forLogin).then(
        () => true,
        () => false,
      )
    )
      break
  const timed = async (key: string, what: 'login' | 'logout'): Promise<number> => {
    const began = performance.now()
    const token = createCredential({ source: 'store-only', store, key })
    const done =
      what === 'logout' ? token.logout() : token.login({ accessToken: 'login', refreshToken: 'login' })
    const isDone = await done.then(
      () => true,
      () => false,
    )
    const record = await store.read(key).catch(() => undefined)
    const isThere = isDone && record?.token?.accessToken === (what === 'login' ? 'login' : undefined)
    return isThere ? performance.now() - began : Infinity
  }
  const [loginTook, logoutTook] = await Promise.all([timed(forLogin, 'login'), timed(forLogout, 'logout')])
  return { loginTook, logoutTook }
}

/** undefined: it takes longer. */
export async function withinMs<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const over = new AbortController()
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)])
  } finally {
    over.abort()
  }
}
