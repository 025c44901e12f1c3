import { expect, test } from 'vitest'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import { RefreshError, type Source, type Store, type StoredRecord } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { numbered, type Process, processOf, storeWith } from './account.ts'

/** A store that keeps an update pending while it is away, as ours do. */
class AwayStore implements Store {
  readonly inner: MemoryStore
  isAway = false
  #back: (() => void)[] = []

  constructor(inner: MemoryStore) {
    this.inner = inner
  }

  read: Store['read'] = async (key) => {
    if (this.isAway) throw new RefreshError('store_failed', 'The store is away.')
    return this.inner.read(key)
  }

  update: Store['update'] = (key, change, options) =>
    this.inner.update(
      key,
      async (current, context) => {
        const content = await change(current, context)
        if (content === undefined) return undefined
        while (this.isAway) {
          options?.onNews?.('unwritten', new RefreshError('store_failed', 'The disk is full.'))
          await new Promise<void>((resolve) => this.#back.push(resolve))
        }
        return content
      },
      options,
    )

  replace: Store['replace'] = async (key, change) => {
    if (this.isAway) throw new RefreshError('store_failed', 'The store is away.')
    return this.inner.replace(key, change)
  }

  delete: Store['delete'] = async (key) => this.inner.delete(key)

  comeBack(): void {
    this.isAway = false
    for (const back of this.#back.splice(0)) back()
  }
}

async function world(): Promise<{
  clock: ManualClock
  store: AwayStore
  redeemed: (string | undefined)[]
  start: () => Process
}> {
  const clock = new ManualClock()
  const store = new AwayStore(await storeWith(new MemoryStore(), numbered(1)))
  const redeemed: (string | undefined)[] = []
  const source: Source = {
    issue: async ({ current }) => {
      redeemed.push(current?.refreshToken)
      return numbered(redeemed.length + 1)
    },
  }
  return { clock, store, redeemed, start: () => processOf(source, store, clock) }
}

/** The store goes away between the redemption and the write. */
async function unsaved(process: Process, store: AwayStore, clock: ManualClock): Promise<void> {
  const held = await process.token.snapshot()
  store.isAway = true
  const read = store.read
  store.read = (key) => store.inner.read(key)
  const refreshed = process.token.refresh(held)
  await settled()
  store.read = read
  await clock.advance(1_000)
  await refreshed
}

test('[S9, K4] given a store that goes down before the write, then callers get the token after a second, and the store gets it when it returns', async () => {
  const { clock, store, start } = await world()
  const process = start()
  await unsaved(process, store, clock)
  expect(process.token.peek()?.value).toMatchObject(numbered(2))
  expect(process.token.status().isUnsaved).toBe(true)
  const failed = process.events.find(({ type }) => type === 'persist_failed')
  expect(failed).toMatchObject({ error: { message: 'The disk is full.' } })
  store.comeBack()
  await settled()
  expect(process.token.status().isUnsaved).toBe(false)
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
})

test('[S9] given an unsaved token, then another process waits for the lock, and redeems nothing', async () => {
  const { clock, store, redeemed, start } = await world()
  const [one, other] = [start(), start()]
  const held = await other.token.snapshot()
  await unsaved(one, store, clock)
  store.read = (key) => store.inner.read(key)
  const refreshed = other.token.refresh(held)
  await settled()
  expect(redeemed).toEqual(['redeem-1'])
  store.comeBack()
  expect((await refreshed).value).toMatchObject(numbered(2))
  expect(redeemed).toEqual(['redeem-1'])
})

test('[S9] given an unsaved token, when a person logs in or out elsewhere, then that waits for no lock, and outranks the token', async () => {
  const { clock, store, start } = await world()
  const [one, other] = [start(), start()]
  await unsaved(one, store, clock)
  store.isAway = false
  await other.token.login(numbered(50))
  await other.token.logout()
  await other.token.login(numbered(51))
  store.comeBack()
  await settled()
  expect((await store.read('default'))?.token).toMatchObject(numbered(51))
  expect(one.token.status().isUnsaved).toBe(false)
  expect(one.types()).toContain('refresh_discarded')
})

test('[S9] given an unsaved token, when another process has written a failure beside the token before it, then the unsaved token is still written', async () => {
  const { clock, store, start } = await world()
  const process = start()
  await unsaved(process, store, clock)
  await store.inner.replace('default', (current) => ({
    ...without(current),
    failure: { code: 'source_unavailable', terminal: false, at: clock.now() },
  }))
  store.comeBack()
  await settled()
  await clock.advance(5_000)
  expect(await store.read('default')).toMatchObject({ token: numbered(2) })
  expect((await store.read('default'))?.failure).toBeUndefined()
})

test('[K17] given an unsaved token, then flush() waits until it is stored, or rejects with the reason', async () => {
  const { clock, store, start } = await world()
  const process = start()
  await process.token.flush()
  await unsaved(process, store, clock)
  const late = process.token.flush({ timeout: 3_000 }).catch((error: unknown) => error)
  await clock.advance(3_000)
  expect(await late).toMatchObject({ code: 'store_failed', cause: { message: 'The disk is full.' } })
  let isStored = false
  const flushed = process.token.flush().then(() => (isStored = true))
  await settled()
  expect(isStored).toBe(false)
  store.comeBack()
  await flushed
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
  expect(clock.armed).toBe(0)
})

test('[K17] given a token that is being redeemed or written, then flush() waits for it', async () => {
  const { clock, store, start } = await world()
  const process = start()
  const held = await process.token.snapshot()
  store.isAway = true
  const read = store.read
  store.read = (key) => store.inner.read(key)
  const refreshed = process.token.refresh(held)
  await settled()
  let isFlushed = false
  const flushed = process.token.flush().then(() => (isFlushed = true))
  await clock.advance(500)
  expect(isFlushed).toBe(false)
  store.read = read
  store.comeBack()
  await Promise.all([refreshed, flushed])
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
})

test('[K4] given a login that could not be stored, when the session has changed by the time the store returns, then the login is discarded, and an event says so', async () => {
  const { clock, store, start } = await world()
  const process = start()
  await process.token.snapshot()
  store.isAway = true
  await expect(process.token.login(numbered(60))).rejects.toMatchObject({ code: 'store_failed' })
  await store.inner.replace('default', (current) => ({
    ...without(current),
    token: numbered(70),
    session: 1,
  }))
  store.comeBack()
  await clock.advance(5_000)
  expect((await store.read('default'))?.token).toMatchObject(numbered(70))
  expect(process.types()).toContain('refresh_discarded')
  expect(process.token.status().isUnsaved).toBe(false)
})

test('[K4] given a login that could not be stored, when another process has refreshed in the same session, then the login is written over that', async () => {
  const { clock, store, start } = await world()
  const process = start()
  await process.token.snapshot()
  store.isAway = true
  await expect(process.token.login(numbered(60))).rejects.toMatchObject({ code: 'store_failed' })
  await store.inner.update('default', async () => ({ token: numbered(5) }))
  store.comeBack()
  await clock.advance(5_000)
  expect(await store.read('default')).toMatchObject({ token: numbered(60), session: 1 })
})

test('[K4] [S9] given a login that could not be stored, when another login is the first in a store that came back empty, then the earlier login is discarded', async () => {
  const { clock, store, start } = await world()
  const process = start()
  await process.token.login(numbered(50))
  const failing: Store = store
  store.isAway = true
  await expect(process.token.login(numbered(60))).rejects.toMatchObject({ code: 'store_failed' })
  const empty = new MemoryStore()
  await empty.replace('default', () => ({ token: numbered(70), session: 1 }))
  failing.read = (key) => empty.read(key)
  failing.replace = (key, change) => empty.replace(key, change)
  await clock.advance(5_000)
  expect((await empty.read('default'))?.token).toMatchObject(numbered(70))
  expect(process.types()).toContain('refresh_discarded')
})

test('[S9] given a store that comes back empty, then the token is written again, and an event says that the record had vanished', async () => {
  const { clock, redeemed, start } = await world()
  const store = await storeWith(new MemoryStore(), numbered(1))
  const failing: Store = {
    read: (key) => store.read(key),
    replace: (key, change) => store.replace(key, change),
    delete: (key) => store.delete(key),
    update: async () => Promise.reject(new Error('down')),
  }
  const source: Source = { issue: async () => numbered(2) }
  const process = processOf(source, failing, clock)
  const held = await process.token.snapshot()
  failing.update = async (key, change) => {
    await store.update(key, async (current, context) => {
      await change(current, context)
      throw new Error('the connection is lost')
    })
    return { token: undefined, revision: 0 }
  }
  expect((await process.token.refresh(held)).value).toMatchObject(numbered(2))
  const empty = new MemoryStore()
  failing.update = (key, change, options) => empty.update(key, change, options)
  failing.read = (key) => empty.read(key)
  await clock.advance(5_000)
  expect((await empty.read('default'))?.token).toMatchObject(numbered(2))
  expect(process.types()).toContain('record_vanished')
  expect([redeemed, start]).toBeDefined()
})

function without(current: StoredRecord | undefined): Omit<StoredRecord, 'revision'> {
  const { revision: _revision, ...content } = current ?? { token: undefined, revision: 0 }
  return content
}
