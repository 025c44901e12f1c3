import { expect, onTestFinished, test, vi } from 'vitest'
import { createCredential, memoryStore } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { Account, numbered, storeWith } from './account.ts'

/** What a request that the platform has ended leaves behind: it never goes on, and no signal reaches it. */
const never = (): Promise<never> => new Promise(() => undefined)

test.each([
  ['before its request was sent', false],
  ['after its request was sent', true],
])(
  '[C15] given an update whose request ended %s, when it is given up, then the next one has its turn, and knows whether a token may be spent',
  async (_, isSent) => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const store = await storeWith(memoryStore(), numbered(1), 'me')
    let isOver = false
    const dead = (_current: unknown, { sent }: { sent?: (() => void) | undefined }): Promise<never> => {
      if (isSent) sent?.()
      return never()
    }
    void store.update('me', dead, { isOver: () => isOver })
    const seen: unknown[] = []
    const next = store.update('me', async (current, { abandoned }) => {
      seen.push(current?.token?.accessToken, abandoned)
      return undefined
    })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(seen).toEqual([])
    isOver = true
    await vi.advanceTimersByTimeAsync(1_000)
    await next
    expect(seen).toEqual(['access-1', isSent])
    expect(vi.getTimerCount()).toBe(0)
  },
)

test('[C15] given three updates in a line, when the second one’s caller leaves, then the third one still waits for the first', async () => {
  const store = memoryStore()
  let finish = (): void => undefined
  const first = store.update('me', async () => {
    await new Promise<void>((resolve) => (finish = resolve))
    return undefined
  })
  const leaving = new AbortController()
  const second = store.update('me', async () => undefined, { signal: leaving.signal })
  let isIn = false
  const third = store.update('me', async () => {
    isIn = true
    return undefined
  })
  leaving.abort(new Error('left'))
  await expect(second).rejects.toThrow('left')
  expect(isIn).toBe(false)
  finish()
  await Promise.all([first, third])
  expect(isIn).toBe(true)
})

test('[K13] given an expired token and a slow endpoint, when the deadline has passed, then callers get refresh_timeout, and later the token', async () => {
  const clock = new ManualClock()
  const account = new Account()
  let respond = (): void => undefined
  account.during = () => new Promise<void>((resolve) => (respond = resolve))
  account.expiresAt = () => clock.now() + 3_600_000
  const store = await storeWith(memoryStore(), numbered(1, { expiresAt: clock.now() + 1_000 }))
  const token = createCredential({ source: account, store, clock, deadline: 1_000 })
  expect(await token.accessToken()).toBe('access-1')
  await clock.advance(1_000)
  const waiting = token.accessToken().catch((error: unknown) => error)
  await clock.advance(1_000)
  expect(await waiting).toMatchObject({ code: 'refresh_timeout' })
  await expect(token.accessToken()).rejects.toMatchObject({ code: 'refresh_timeout' })
  respond()
  await clock.advance(0)
  expect(await token.accessToken()).toBe('access-2')
  expect(account.redemptions).toBe(1)
})
