import { expect, onTestFinished, test, vi } from 'vitest'
import { createCredential, memoryStore } from '../../src/index.ts'
import { Slots } from '../../src/lib/slots.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { Account, numbered, processOf, storeWith, GatedStore } from './account.ts'

/** A platform that ends a request together with its timers: those armed while `cancels` is set never run. */
class CancellingClock extends ManualClock {
  cancels = false

  override setTimeout(run: () => void, ms: number): number {
    const isDead = this.cancels
    return super.setTimeout(() => isDead || run(), ms)
  }
}

/** What a request that the platform has ended leaves behind never goes on. */
const never = (): Promise<never> => new Promise(() => undefined)

test('[C15, S11] given places that ended requests hold, when their time has passed by the clock, then a new caller has its turn at once', async () => {
  const [clock, slots] = [new ManualClock(), new Slots(2)]
  await slots.take({ clock, holds: 30_000 })
  await slots.take({ clock, holds: 30_000 })
  clock.jump(30_000)
  const waits: boolean[] = []
  await slots.take({ clock, holds: 30_000, onWait: (isWaiting) => waits.push(isWaiting) })
  expect(waits).toEqual([])
})

test('[C15, S11] given a place that an ended request holds, when a caller waits, then the caller’s own timer brings its turn, and no sooner', async () => {
  const [clock, slots] = [new ManualClock(), new Slots(1)]
  await slots.take({ clock, holds: 30_000 })
  let isIn = false
  const next = slots.take({ clock, holds: 30_000 }).then((giveBack) => {
    isIn = true
    return giveBack
  })
  await clock.advance(29_999)
  expect(isIn).toBe(false)
  await clock.advance(1)
  expect(isIn).toBe(true)
  ;(await next)()
  expect(clock.armed).toBe(0)
})

test('[C15, S11] given an ended request that waits in the line, when its turn comes, then the caller behind it has its turn a second later', async () => {
  const [clock, slots] = [new CancellingClock(), new Slots(1)]
  const giveBack = await slots.take({ clock, holds: 30_000 })
  clock.cancels = true
  // It does not go on when its turn comes.
  const dies = (isWaiting: boolean): void => {
    if (!isWaiting) throw new Error('dead')
  }
  void slots.take({ clock, holds: 30_000, onWait: dies }).catch(() => undefined)
  clock.cancels = false
  let isIn = false
  void slots.take({ clock, holds: 30_000 }).then(() => (isIn = true))
  await settled()
  giveBack()
  await settled()
  expect(isIn).toBe(false)
  await clock.advance(1_000)
  expect(isIn).toBe(true)
})

test('[C15] given a login whose request has ended, when its deadline has passed, then the next login and the next logout are stored', async () => {
  const [clock, store] = [new CancellingClock(), new GatedStore()]
  const { token } = processOf(new Account(), store, clock)
  store.replacements.hold(1)
  clock.cancels = true
  void token.login(numbered(1)).catch(() => undefined)
  await settled()
  clock.cancels = false
  const next = token.login(numbered(2))
  await clock.advance(31_000)
  await next
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
  // What the dead login asked of its store comes late, and covers nothing.
  store.replacements.release()
  await settled()
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))

  store.replacements.hold(1)
  clock.cancels = true
  void token.login(numbered(3)).catch(() => undefined)
  await settled()
  clock.cancels = false
  clock.jump(31_000)
  await token.logout()
  store.replacements.release()
  await settled()
  expect((await store.read('default'))?.token).toBeUndefined()
})

test('[C15, S10] given a logout whose read returns after its deadline, then it does not delete a later login', async () => {
  const [clock, store] = [new ManualClock(), await storeWith(new GatedStore(), numbered(1))]
  const { token } = processOf(new Account(), store, clock)
  store.reads.hold(1)
  const failed = token.logout().catch((error: unknown) => error)
  await settled()
  await clock.advance(30_000)
  expect(await failed).toMatchObject({ code: 'store_failed' })
  await token.login(numbered(2))
  store.reads.release()
  await settled()
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
})

test('[C15] given an unsaved token and a request that ended while it wrote that token, when later calls come, then one of them writes it', async () => {
  const [clock, store] = [new CancellingClock(), await storeWith(memoryStore(), numbered(1))]
  const { token } = processOf(new Account(), store, clock)
  const replace = store.replace.bind(store)
  store.replace = () => Promise.reject(new Error('the store is down'))
  await token.login(numbered(5)).catch(() => undefined)
  store.replace = never
  clock.cancels = true
  await clock.advance(5_000)
  store.replace = replace
  clock.cancels = false
  clock.jump(3 * 30_000)
  await token.flush()
  expect(token.status().isUnsaved).toBe(false)
  expect((await store.read('default'))?.token).toMatchObject(numbered(5))
})

test('[C15, K4, S10] given a store whose update() took a token and never settles, when three deadlines have passed, then another try stores the token, and flush() sees that', async () => {
  const [clock, store] = [new ManualClock(), await storeWith(memoryStore(), numbered(1))]
  const { token, types } = processOf(new Account(), store, clock)
  const first = await token.snapshot()
  const update = store.update.bind(store)
  store.update = async (key, change) => {
    // What the change gives is on its way to the server when the request ends.
    await change(await store.read(key), { signal: new AbortController().signal, abandoned: false })
    return never()
  }
  const served = token.refresh(first)
  await settled()
  await clock.advance(1_000)
  expect((await served).value).toMatchObject(numbered(2))
  expect(token.status()).toMatchObject({ isUnsaved: true, isRefreshing: false })
  store.update = update
  await clock.advance(3 * 30_000 - 1_001)
  expect((await store.read('default'))?.token).toMatchObject(numbered(1))
  await clock.advance(1_001)
  await token.flush()
  expect(types()).toContain('persisted')
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
})

test('[C15, K12, K17] given a refresh whose request has ended, when five deadlines have passed, then nothing counts as under way, and flush() does not wait', async () => {
  const [clock, store] = [new CancellingClock(), await storeWith(memoryStore(), numbered(1))]
  const account = new Account()
  const { token } = processOf(account, store, clock)
  const first = await token.snapshot()
  account.during = never
  clock.cancels = true
  void token.refresh(first).catch(() => undefined)
  await settled()
  clock.cancels = false
  expect(token.status().isRefreshing).toBe(true)
  clock.jump(5 * 30_000)
  await token.flush()
  expect(token.status().isRefreshing).toBe(false)
})

test('[C15, S10] given a wall clock that is set an hour ahead while a login is written, when another login comes, then it waits for the first, and both are stored', async () => {
  const store = new GatedStore()
  const token = createCredential({ source: new Account(), store })
  store.replacements.hold(1)
  const first = token.login(numbered(1))
  await store.replacements.holding(1)
  const now = Date.now()
  const ahead = vi.spyOn(Date, 'now').mockImplementation(() => now + 3_600_000)
  onTestFinished(() => ahead.mockRestore())
  const second = token.login(numbered(2))
  await settled()
  store.replacements.release()
  await Promise.all([first, second])
  expect((await store.read('default'))?.token).toMatchObject(numbered(2))
})
