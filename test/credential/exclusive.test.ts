import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { asRefreshError } from '../../src/core/events.ts'
import { runAsSource } from '../../src/core/source-context.ts'
import type { RecordContent, StoredRecord } from '../../src/index.ts'
import { ExclusiveStore, type ExclusiveOptions } from '../../src/stores/shared/exclusive-store.ts'
import type { Backend, Lock } from '../../src/stores/shared/lock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const LEASE = 2_500
const never = new Promise<never>(() => undefined)
const failure = { code: 'source_unavailable', terminal: false, at: 1 } as const

/** Locks and records of a place that fails when it is told to. */
class Place implements Backend {
  readonly steps: string[] = []
  readonly records = new Map<string, StoredRecord>()
  readonly held = new Set<string>()
  isFull = false
  isClosed = false
  #fence = 0

  read = async (key: string): Promise<StoredRecord | undefined> => this.records.get(key)
  watch = (): undefined => undefined
  explain = asRefreshError
  isFinal = (): boolean => this.isClosed

  lockWaiter = (key: string): { tryLock: () => Promise<Lock | number> } => ({
    tryLock: async () => {
      if (this.held.has(key)) return 100
      this.held.add(key)
      this.steps.push(`lock ${key}`)
      return this.#lock(key, ++this.#fence)
    },
  })

  replace = async (
    key: string,
    change: (current: StoredRecord | undefined) => RecordContent,
  ): Promise<StoredRecord> => {
    const record = { ...change(this.records.get(key)), revision: ++this.#fence }
    this.records.set(key, record)
    return record
  }

  #lock(key: string, revision: number): Lock {
    return {
      current: this.records.get(key),
      abandoned: false,
      renew: async () => {
        this.steps.push(`renew ${key}`)
        return true
      },
      write: async (content) => {
        if (this.isFull) throw new Error('the disk is full')
        const inForce = this.records.get(key)
        const record = inForce && inForce.revision > revision ? inForce : { ...content, revision }
        this.records.set(key, record)
        this.held.delete(key)
        return { record, hasVanished: false }
      },
      release: async (abandoned) => {
        this.steps.push(`release ${key}${abandoned ? ', abandoned' : ''}`)
        this.held.delete(key)
      },
    }
  }
}

function open(more: Partial<ExclusiveOptions> = {}): { place: Place; store: ExclusiveStore } {
  const place = new Place()
  return { place, store: new ExclusiveStore(place, { lease: LEASE, timeout: 5_000, ...more }) }
}

const record = (name: string): RecordContent => ({ token: { accessToken: name } })

/** What a promise has come to. */
function outcome(promise: Promise<unknown>): { is: () => unknown } {
  let is: unknown = 'pending'
  promise.then(
    () => (is = 'done'),
    (error: unknown) => (is = error),
  )
  return { is: () => is }
}

test('[S9] given a store that takes no writes for minutes, then update() stays pending, keeps its lock, and writes within a fifth of a lease after the store recovers', async () => {
  const { place, store } = open()
  place.isFull = true
  const news: unknown[] = []
  const onNews = (type: string, error?: unknown): number => news.push([type, String(error)])
  const updated = outcome(store.update('me', async () => record('one'), { onNews }))
  const waiting = outcome(
    new ExclusiveStore(place, { lease: LEASE, timeout: 5_000 }).update('me', async () => record('two')),
  )
  await vi.advanceTimersByTimeAsync(180_000)
  expect([updated.is(), waiting.is()]).toEqual(['pending', 'pending'])
  expect(news[0]).toEqual(['unwritten', expect.stringContaining('error.cause')])
  expect(place.steps.filter((step) => step === 'lock me')).toHaveLength(1)
  expect(place.steps.filter((step) => step === 'renew me').length).toBeGreaterThan(300)
  place.isFull = false
  await vi.advanceTimersByTimeAsync(LEASE / 5)
  expect(updated.is()).toBe('done')
  await vi.advanceTimersByTimeAsync(400)
  expect([waiting.is(), place.records.get('me')?.token?.accessToken]).toEqual(['done', 'two'])
})

test('[S9] given an unsaved token, when a login replaces the record, then the login is written at once, and outranks the token', async () => {
  const { place, store } = open()
  const updated = store.update('me', async () => {
    place.isFull = true
    return record('old')
  })
  await vi.advanceTimersByTimeAsync(10_000)
  await store.replace('me', () => record('login'))
  place.isFull = false
  await vi.advanceTimersByTimeAsync(LEASE)
  expect((await updated).token?.accessToken).toBe('login')
})

test.each([
  ['that may be lost is given up after a second', { isBrief: true }, 1_100],
  ['that no later try can write is given up at once', {}, 0],
])('given a store that takes no writes, then a token %s', async (_, options, after) => {
  const { place, store } = open()
  place.isFull = true
  place.isClosed = after === 0
  const updated = outcome(store.update('me', async () => record('one'), options))
  await vi.advanceTimersByTimeAsync(after)
  expect(updated.is()).toMatchObject({ code: 'refresh_failed' })
  expect(place.steps.at(-1)).toBe('release me')
})

test('[K14] given a store that takes no writes, then a failure alone is discarded, and keeps no lock', async () => {
  const { place, store } = open()
  place.isFull = true
  const updated = outcome(store.update('me', async () => ({ token: undefined, failure })))
  await vi.advanceTimersByTimeAsync(2_000)
  expect([updated.is(), place.held.size]).toEqual(['done', 0])
})

test.each([
  [true, 'release me, abandoned'],
  [false, 'release me'],
])(
  '[S10] given a change that fails, and whose request was sent: %s, then the step is: %s',
  async (isSent, step) => {
    const { place, store } = open()
    const updated = store.update('me', async (_, { sent }) => {
      if (isSent) sent?.()
      throw new Error('no response')
    })
    await expect(updated).rejects.toThrow('no response')
    expect(place.steps).toEqual(['lock me', step])
  },
)

test('[S11] given more accounts than maxLocks, then the others wait in the order of their calls, and learn when they are admitted', async () => {
  const { place, store } = open({ maxLocks: 2 })
  const [entered, heard]: [string[], string[]] = [[], []]
  const ends = new Map<string, () => void>()
  const updates = ['a', 'b', 'c', 'd'].map((key) =>
    store.update(
      key,
      async () => {
        entered.push(key)
        await new Promise<void>((resolve) => ends.set(key, resolve))
        return record(key)
      },
      { onNews: (news) => heard.push(`${key} ${news}`) },
    ),
  )
  await vi.advanceTimersByTimeAsync(0)
  expect([entered, heard]).toEqual([
    ['a', 'b'],
    ['c queued', 'd queued'],
  ])
  await store.replace('c', () => record('a login takes no place'))
  expect(await store.read('c')).toBeDefined()
  for (const key of ['b', 'a', 'c', 'd']) {
    ends.get(key)?.()
    await vi.advanceTimersByTimeAsync(0)
  }
  await Promise.all(updates)
  expect(entered).toEqual(['a', 'b', 'c', 'd'])
  expect(heard.slice(2)).toEqual(['c admitted', 'd admitted'])
  expect(place.held.size).toBe(0)
})

test('[S11] given a caller that leaves the queue, then the next one gets its place', async () => {
  const { store } = open({ maxLocks: 1 })
  let end = (): void => undefined
  const first = store.update('a', async () => {
    await new Promise<void>((resolve) => (end = resolve))
    return undefined
  })
  const controller = new AbortController()
  const left = store.update('b', async () => record('b'), { signal: controller.signal })
  const next = store.update('c', async () => record('c'))
  await vi.advanceTimersByTimeAsync(0)
  controller.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  end()
  await first
  expect((await next).token?.accessToken).toBe('c')
})

test.each([
  ['is held for longer than a deadline', { deadline: 1_000 }, false],
  ['is kept for an unsaved token', {}, true],
])('[S11] given a lock that %s, then other accounts can still lock', async (_, options, isUnsaved) => {
  const { place, store } = open({ maxLocks: 1 })
  place.isFull = isUnsaved
  void store.update('a', async () => (isUnsaved ? record('a') : never), options)
  const other = outcome(store.update('b', async () => undefined))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(other.is()).toBe('done')
})

test('[S11] given an update inside a source’s issue(), then it waits for no place', async () => {
  const { store } = open({ maxLocks: 1 })
  const outer = await store.update('a', async () =>
    runAsSource(async () =>
      record((await store.update('b', async () => record('b'))).token?.accessToken ?? ''),
    ),
  )
  expect(outer.token?.accessToken).toBe('b')
})

test('[S10] given a lock that arrives after its caller has left, then it is released', async () => {
  const { place, store } = open()
  const controller = new AbortController()
  const { lockWaiter } = place
  place.lockWaiter = (key) => ({
    tryLock: async () => {
      const lock = await lockWaiter(key).tryLock()
      controller.abort(new Error('left'))
      return lock
    },
  })
  const updated = store.update('me', async () => record('never'), { signal: controller.signal })
  await expect(updated).rejects.toThrow('left')
  expect(place.steps).toEqual(['lock me', 'release me'])
})
