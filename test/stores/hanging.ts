import { expect } from 'vitest'
import type { Backend, Lock } from '../../src/stores/shared/lock.ts'
import type { Relay } from '../support/relay.ts'

/** What a backend asks of its server, and a piece of text that only this request has. */
export type Requests = Readonly<Record<'read' | 'take' | 'extend' | 'write' | 'swap' | 'free', string>>

export const TOKEN = { accessToken: 'access-1', refreshToken: 'refresh-1' }

/** Acquires a lock that is free. */
export async function lockOf(backend: Backend, key: string): Promise<Lock> {
  const lock = await backend.lockWaiter(key, undefined).tryLock()
  if (typeof lock !== 'object') throw new Error(`The lock of ${key} is not free: ${lock}.`)
  return lock
}

/** What a connection does, and what of the request is lost with it. */
export type Trouble = readonly ['hangAt' | 'cutAt', 'request' | 'response']

const TROUBLES: readonly Trouble[] = [
  ['hangAt', 'request'],
  ['hangAt', 'response'],
  ['cutAt', 'request'],
  ['cutAt', 'response'],
]

/**
 * Gets a connection of every client into every trouble, all side by side: each waits out the limits of its client.
 *
 * @param outlive what one client does in one trouble
 * @returns what went wrong
 */
export async function troublesOf<C>(
  clients: readonly (readonly [name: string, client: C])[],
  outlive: (client: C, trouble: Trouble) => Promise<void>,
): Promise<string[]> {
  const faults: string[] = []
  const one = async (name: string, client: C, trouble: Trouble): Promise<void> =>
    outlive(client, trouble).catch((error: unknown) => {
      faults.push(`${name}, ${trouble.join(' the ')}: ${String(error)}`)
    })
  await Promise.all(
    clients.flatMap(([name, client]) => TROUBLES.map((trouble) => one(name, client, trouble))),
  )
  return faults
}

/**
 * Asks everything once over a relay, and gets each request into the same trouble, in turn.
 *
 * @param backend over the relay
 * @param other past it
 */
export async function outlives(
  relay: Relay,
  [backend, other]: readonly [Backend, Backend],
  requests: Requests,
  [trouble, lost]: Trouble,
): Promise<void> {
  const key = `${trouble} ${lost} ${globalThis.crypto.randomUUID()}`
  const caught = async <R>(request: keyof Requests, ask: () => Promise<R>): Promise<R> => {
    const sprung = relay[trouble](requests[request], lost)
    const result = await ask()
    // It was in trouble.
    await sprung
    return result
  }

  expect(await caught('read', () => backend.read(key))).toBeUndefined()
  const lock = await caught('take', () => lockOf(backend, key))
  expect([lock.current, lock.abandoned]).toEqual([undefined, false])
  expect(await caught('extend', () => lock.renew())).toBe(true)
  const { record, hasVanished } = await caught('write', () => lock.write({ token: TOKEN }))
  expect([record.token, hasVanished, await other.read(key)]).toEqual([TOKEN, false, record])

  const second = await lockOf(backend, key)
  await caught('free', () => second.release(false))
  const third = await lockOf(other, key)
  expect([third.current, third.abandoned]).toEqual([record, false])
  await third.release(false)

  const next = { accessToken: 'access-2' }
  const login = await caught('swap', () => backend.replace(key, () => ({ token: next, session: 1 })))
  expect([login.token, login.session, await other.read(key)]).toEqual([next, 1, login])
  expect(login.revision).toBeGreaterThan(record.revision)
}
