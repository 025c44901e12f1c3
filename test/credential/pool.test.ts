import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import { createCredentialPool, type RefreshEvent, type Source } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { FlakyStore, numbered, storeWith } from './account.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Lets finalizers run, too: the platform calls them when it has nothing else to do. */
async function collected(isDone = (): boolean => true): Promise<void> {
  for (let round = 0; round < 3 || (round < 100 && !isDone()); round++) {
    await settled()
    collect()
  }
  await settled()
}

/** Counts, and tells whose token was asked for. */
function counting(): { source: Source; asked: (string | undefined)[] } {
  const asked: (string | undefined)[] = []
  return {
    asked,
    source: {
      issue: async ({ current }) => {
        asked.push(current?.refreshToken)
        return { accessToken: `${current?.refreshToken}+${asked.length}` }
      },
    },
  }
}

test('[K12] given callers of one key, then they share one credential and its generations; different keys share nothing', async () => {
  const { source, asked } = counting()
  const store = new MemoryStore()
  for (const key of ['ann', 'bob']) await storeWith(store, { accessToken: key, refreshToken: key }, key)
  const events: [string | undefined, RefreshEvent['type']][] = []
  const pool = createCredentialPool({ source, store, onEvent: ({ type, key }) => events.push([key, type]) })
  expect(pool.get('ann')).toBe(pool.get('ann'))
  const [ann, bob] = [await pool.get('ann').snapshot(), await pool.get('bob').snapshot()]
  const fresh = await Promise.all(Array.from({ length: 50 }, () => pool.get('ann').refresh(ann)))
  expect(new Set(fresh.map(({ value }) => value.accessToken))).toEqual(new Set(['ann+1']))
  expect((await pool.get('bob').snapshot()).value).toBe(bob.value)
  expect(asked).toEqual(['ann'])
  expect(events.filter(([, type]) => type === 'issued')).toEqual([['ann', 'issued']])
  expect(pool.size).toBe(2)
})

test('[K12] given a credential that no caller holds, then it is discarded, unless it is among the last used ones, and is read again from the store', async () => {
  const { source } = counting()
  const store = new MemoryStore()
  const pool = createCredentialPool({ source, store, idle: 2 })
  for (let n = 0; n < 100; n++) {
    await storeWith(store, numbered(n), `user ${n}`)
    await pool.get(`user ${n}`).snapshot()
  }
  const held = pool.get('user 0')
  await collected(() => pool.size === 2)
  // The one that is held is one of the last used ones.
  expect(pool.size).toBe(2)
  expect(pool.get('user 0')).toBe(held)
  expect((await pool.get('user 50').snapshot()).value).toMatchObject(numbered(50))
})

test('[K12] given a credential that a caller holds, or whose map a caller holds, then it stays', async () => {
  const pool = createCredentialPool({ source: counting().source, idle: 0 })
  const held = pool.get('held')
  const built = pool.get('built').map(({ accessToken }) => accessToken)
  await built.snapshot()
  pool.get('dropped')
  await collected(() => pool.size === 2)
  expect(pool.size).toBe(2)
  expect([pool.get('held') === held, (await built.snapshot()).generation]).toEqual([true, 1])
})

test('[K12] given a credential with a refresh that runs or a token that is not stored, then it stays', async () => {
  const [store, clock] = [new FlakyStore(), new ManualClock()]
  let finish = (): void => undefined
  const source: Source = {
    issue: async () => {
      await new Promise<void>((resolve) => (finish = resolve))
      return numbered(1)
    },
  }
  const pool = createCredentialPool({ source, store, clock, idle: 0 })
  const running = pool.get('ann').snapshot()
  await collected()
  expect([pool.size, pool.get('ann').status().isRefreshing]).toEqual([1, true])
  store.failsTo = 'write'
  finish()
  await running
  await collected()
  expect([pool.size, pool.get('ann').status().isUnsaved]).toEqual([1, true])
  store.failsTo = 'nothing'
  await clock.advance(1_000)
  await collected(() => pool.size === 0)
  expect(pool.size).toBe(0)
  expect((await store.read('ann'))?.token).toMatchObject(numbered(1))
})

/** The trial `pools` has ten times as many. */
const KEYS = Number(process.env['KEYS'] ?? 10_000)

test(`[K12] given ${KEYS} keys, then the pool needs bounded memory, and no timer`, async () => {
  const clock = new ManualClock()
  const store: MemoryStore = new MemoryStore()
  store.read = async () => ({ token: numbered(1), revision: 1 })
  const pool = createCredentialPool({ source: counting().source, store, clock, idle: 100 })
  const ask = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) await pool.get(`user ${n}`).snapshot()
    await collected(() => pool.size === 100)
  }
  await ask(0, 5_000)
  const before = process.memoryUsage().heapUsed
  await ask(5_000, 5_000 + KEYS)
  expect(pool.size).toBe(100)
  expect(clock.armed).toBe(0)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
}, 120_000)

test('[Z1] given a pool, then its inspection contains no part of a token', async () => {
  const pool = createCredentialPool({
    source: counting().source,
    store: await storeWith(new MemoryStore(), numbered(1), 'ann'),
  })
  await pool.get('ann').snapshot()
  expect(inspect(pool, { depth: 9, showHidden: true }) + JSON.stringify(pool)).not.toMatch(/access-|redeem-/)
})

test.each([
  ['a source that is none', { source: 7 }],
  ['an idle that is no number', { source: counting().source, idle: -1 }],
  ['a key', { source: counting().source, key: 'ann' }],
])('%s: createCredentialPool() throws a clear error', (_, options) => {
  expect(() => createCredentialPool(options as never)).toThrow(
    expect.objectContaining({ code: 'invalid_option' }),
  )
})

test('given an empty key, then get() throws', () => {
  expect(() => createCredentialPool({ source: counting().source }).get('')).toThrow(
    expect.objectContaining({ code: 'invalid_option' }),
  )
})
