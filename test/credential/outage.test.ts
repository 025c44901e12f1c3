import { expect, test, vi } from 'vitest'
import { createCredential, RefreshError, type Source, type Store } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { Account, FlakyStore, numbered, processOf, storeWith } from './account.ts'

const code = (expected: string): unknown => expect.objectContaining({ code: expected })

/** A store that can be cut off. */
async function severable(): Promise<{ store: Store; inner: FlakyStore; isDown: (down: boolean) => void }> {
  const inner = await storeWith(new FlakyStore(), numbered(1))
  let down = false
  const orDown = async <R>(work: () => Promise<R>): Promise<R> => {
    if (down) throw new Error('connect ECONNREFUSED')
    return work()
  }
  const store: Store = {
    read: (key) => orDown(() => inner.read(key)),
    update: (key, change, more) => orDown(() => inner.update(key, change, more)),
    replace: (key, change) => orDown(() => inner.replace(key, change)),
    delete: (key) => orDown(() => inner.delete(key)),
  }
  return { store, inner, isDown: (value) => (down = value) }
}

test('given a store that cannot be locked, then a rotating token is not refreshed, and a valid one is used', async () => {
  const [clock, account] = [new ManualClock(), new Account()]
  const { store, isDown } = await severable()
  const { token } = processOf(account, store, clock)
  const held = await token.snapshot()
  isDown(true)
  expect(await token.snapshot()).toEqual(held)
  await expect(token.refresh(held)).rejects.toEqual(code('store_failed'))
  expect(account.redemptions).toBe(0)
  expect(await token.snapshot()).toEqual(held)
  isDown(false)
  await clock.advance(1_000)
  expect((await token.refresh(held)).value).toMatchObject(numbered(2))
})

test.each([
  ['says that nothing is spent by it', { spendsRefreshToken: false }, {}],
  ['is told to', {}, { whenStoreIsDown: 'refresh' as const }],
])(
  'given a store that is down, then a source that %s refreshes without it, and the token is stored later',
  async (_, says, options) => {
    const clock = new ManualClock()
    const { store, inner, isDown } = await severable()
    const issue = vi.fn<Source['issue']>(async () => numbered(2))
    const types: string[] = []
    const token = createCredential({
      source: { issue, ...says },
      store,
      clock,
      ...options,
      onEvent: ({ type }) => types.push(type),
    })
    const held = await token.snapshot()
    isDown(true)
    expect((await token.refresh(held)).value).toMatchObject(numbered(2))
    expect(token.status()).toMatchObject({ state: 'valid', isUnsaved: true })
    isDown(false)
    await clock.advance(1_000)
    await settled()
    expect((await inner.read('default'))?.token).toMatchObject(numbered(2))
    expect(types.filter((type) => type.startsWith('persist'))).toEqual(['persist_failed', 'persisted'])
    expect(clock.armed).toBe(0)
  },
)

test('given a token that was issued without the store, when another process has written meanwhile, then the other process’s record stays', async () => {
  const clock = new ManualClock()
  const { store, inner, isDown } = await severable()
  const source: Source = { spendsRefreshToken: false, issue: async () => numbered(2) }
  const token = createCredential({ source, store, clock })
  const held = await token.snapshot()
  isDown(true)
  await token.refresh(held)
  await inner.update('default', async () => ({ token: numbered(3) }))
  isDown(false)
  await clock.advance(1_000)
  await settled()
  expect((await inner.read('default'))?.token).toMatchObject(numbered(3))
  expect(token.status().isUnsaved).toBe(false)
})

test('given a store whose record cannot be read, then the source is not asked, because that is no outage', async () => {
  const issue = vi.fn<Source['issue']>(async () => numbered(2))
  const damaged = new RefreshError('store_invalid', 'The record is damaged.')
  const store: Store = {
    read: () => Promise.reject(damaged),
    update: () => Promise.reject(damaged),
    replace: () => Promise.reject(damaged),
    delete: () => Promise.reject(damaged),
  }
  const token = createCredential({
    source: { spendsRefreshToken: false, issue },
    store,
    clock: new ManualClock(),
  })
  await expect(token.snapshot()).rejects.toBe(damaged)
  expect(issue).not.toHaveBeenCalled()
})

test('given an invalid whenStoreIsDown, then createCredential() throws a clear error', () => {
  const options = { source: { issue: async () => numbered(1) }, whenStoreIsDown: 'ignore' as 'refuse' }
  expect(() => createCredential(options)).toThrow(/'whenStoreIsDown' must be 'refuse' or 'refresh'/)
})
