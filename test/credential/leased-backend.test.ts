import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { asRefreshError } from '../../src/core/events.ts'
import type { RecordContent, StoredRecord } from '../../src/credential/store.ts'
import type { Store, StoreContext } from '../../src/index.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import type { LeaseTable, Row, RowWritten } from '../../src/stores/shared/lease-table.ts'
import { LeasedBackend } from '../../src/stores/shared/leased-backend.ts'
import type { Lock } from '../../src/stores/shared/lock.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const [LEASE, TIMEOUT] = [2_500, 60_000]

/** A server with one account, which can be out of reach. */
class Server implements LeaseTable {
  isAway = false
  /** The client was closed by its user. */
  isClosed = false
  losesSwaps = false
  onSwap: (() => unknown) | undefined
  readonly subscribe = undefined
  readonly #lease: number
  #row: Row | undefined
  #lock: { owner: string; number: number; until: number } | undefined
  #number = 0

  constructor(lease: number = LEASE) {
    this.#lease = lease
  }

  async read(): Promise<Row | undefined> {
    return this.#row
  }

  async take(
    _: string,
    owner: string,
    known: number | undefined,
    mayTakeOver: boolean,
  ): ReturnType<LeaseTable['take']> {
    this.#reach()
    if (known !== undefined && this.#row !== undefined && this.#row.revision > known) return { type: 'newer' }
    const remaining = Math.max(0, (this.#lock?.until ?? 0) - Date.now())
    if (this.#lock && (remaining > 0 || !mayTakeOver)) return { type: 'held', remaining }
    if (known !== undefined && known > (this.#row?.revision ?? 0) && !mayTakeOver)
      return { type: 'held', remaining: 0 }
    const abandoned = this.#lock !== undefined
    this.#lock = { owner, number: ++this.#number, until: Date.now() + this.#lease }
    return { type: 'lock', number: this.#number, abandoned, row: this.#row }
  }

  async extend(_: string, owner: string): Promise<boolean> {
    this.#reach()
    if (this.#lock?.owner !== owner) return false
    this.#lock.until = Date.now() + this.#lease
    return true
  }

  async write(_: string, owner: string, row: Row): Promise<RowWritten> {
    this.#reach()
    const before = this.#row?.revision ?? 0
    if (row.revision > before) this.#row = row
    await this.free('', owner)
    return { row: this.#row ?? row, before }
  }

  async swap(_: string, seen: number, text: string): Promise<Row | undefined> {
    this.#reach()
    await this.onSwap?.()
    if ((this.#row?.revision ?? 0) !== seen) return undefined
    this.#row = { revision: ++this.#number, text }
    if (this.losesSwaps) throw new Error('the response is lost')
    return this.#row
  }

  async free(_: string, owner: string): Promise<void> {
    this.#reach()
    if (this.#lock?.owner === owner) this.#lock = undefined
  }

  /** All of it is gone. */
  forget(): void {
    this.#row = undefined
    this.#lock = undefined
  }

  place(): string {
    return 'The record'
  }

  isPassing(): boolean {
    return true
  }

  isRefusal(): boolean {
    return false
  }

  isEnded(): boolean {
    return this.isClosed
  }

  explain = asRefreshError

  #reach(): void {
    if (this.isClosed) throw new Error('the client is closed')
    if (this.isAway) throw new Error('the connection is lost')
  }
}

function storeOn(server: Server, lease: number = LEASE): Store {
  const locking = { lease, timeout: TIMEOUT }
  return new ExclusiveStore(new LeasedBackend(server, locking), locking)
}

/** Holds the lock of a store: what it writes when it is let on. */
async function holding(
  store: Store,
): Promise<{ readonly letOn: () => void; readonly done: Promise<unknown> }> {
  let letOn = (): void => undefined
  const isOn = new Promise<void>((resolve) => (letOn = resolve))
  let done: Promise<unknown> = Promise.resolve()
  await new Promise<void>((locked) => {
    done = store.update('me', async () => {
      locked()
      await isOn
      return { token: { accessToken: 'access-new' } }
    })
  })
  return { letOn, done }
}

/** What somebody finds who wants the lock. */
function wanting(store: Store): { found: [token: string | undefined, abandoned: boolean] | undefined } {
  const seen: { found: [string | undefined, boolean] | undefined } = { found: undefined }
  const change = async (
    current: { token: { accessToken: string } | undefined } | undefined,
    lock: StoreContext,
  ) => {
    seen.found = [current?.token?.accessToken, lock.abandoned]
    return undefined
  }
  void store.update('me', change)
  return seen
}

test('[S4, S7] given a server that was unreachable for longer than a lease, when it returns, then the holder writes first, whoever asks first', async () => {
  const server = new Server()
  const holder = await holding(storeOn(server))
  const waiter = wanting(storeOn(server))
  await vi.advanceTimersByTimeAsync(LEASE / 5)
  server.isAway = true
  holder.letOn()
  await vi.advanceTimersByTimeAsync(LEASE * 2)
  server.isAway = false
  // One who comes now, and is the first to be answered.
  const another = wanting(storeOn(server))
  await vi.advanceTimersByTimeAsync(LEASE / 2)
  await holder.done
  expect([waiter.found, another.found]).toEqual([
    ['access-new', false],
    ['access-new', false],
  ])
})

test.each([100, 500, LEASE])(
  '[S4, S7] given a lease of %i ms and a server that was unreachable between two looks of a waiter, when it returns, then the holder writes first',
  async (lease) => {
    for (let phase = 0; phase < 20; phase++) {
      const server = new Server(lease)
      const holder = await holding(storeOn(server, lease))
      const waiter = wanting(storeOn(server, lease))
      const take = vi.spyOn(server, 'take')
      await vi.advanceTimersByTimeAsync(lease * 4 + (phase * lease) / 100)
      // As long as a waiter that has just been answered does not ask again.
      for (const seen = take.mock.calls.length; take.mock.calls.length === seen;)
        await vi.advanceTimersByTimeAsync(1)
      server.isAway = true
      for (const seen = take.mock.calls.length; take.mock.calls.length === seen;) {
        await vi.advanceTimersByTimeAsync(1)
        server.isAway = take.mock.calls.length === seen
      }
      await vi.advanceTimersByTimeAsync(lease / 4)
      expect(waiter.found).toBe(undefined)
      holder.letOn()
      await holder.done
      await vi.advanceTimersByTimeAsync(lease)
      expect(waiter.found).toEqual(['access-new', false])
    }
  },
)

test('[S4, S7] given a holder that still waits for its token after its server was unreachable, then other processes do not get the lock', async () => {
  const server = new Server()
  const holder = await holding(storeOn(server))
  const waiter = wanting(storeOn(server))
  server.isAway = true
  await vi.advanceTimersByTimeAsync(LEASE * 2)
  server.isAway = false
  await vi.advanceTimersByTimeAsync(LEASE * 4)
  expect(waiter.found).toBe(undefined)
  holder.letOn()
  await holder.done
  await vi.advanceTimersByTimeAsync(LEASE)
  expect(waiter.found).toEqual(['access-new', false])
})

test('[S4] given a holder that vanished while its server was unreachable, then the lock is free one lease after the server returns', async () => {
  const server = new Server()
  await server.take('', 'vanished', undefined, false)
  const waiter = wanting(storeOn(server))
  server.isAway = true
  await vi.advanceTimersByTimeAsync(LEASE * 2)
  server.isAway = false
  await vi.advanceTimersByTimeAsync(LEASE)
  expect(waiter.found).toBe(undefined)
  await vi.advanceTimersByTimeAsync(LEASE / 2)
  expect(waiter.found).toEqual([undefined, true])
})

/** Over a server, without a store. */
const backendOn = (server: Server): LeasedBackend =>
  new LeasedBackend(server, { lease: LEASE, timeout: TIMEOUT })

async function lockOn(server: Server): Promise<Lock> {
  const lock = await backendOn(server).lockWaiter('me', undefined).tryLock()
  if (typeof lock !== 'object') throw new Error('The lock is not free.')
  return lock
}

const login =
  (name: string) =>
  (current: StoredRecord | undefined): RecordContent => ({
    token: { accessToken: name },
    session: (current?.session ?? 0) + 1,
  })

test('[S9] given a record that a process knows and that vanished, when other processes want the lock, then the holder of an unsaved token writes first', async () => {
  const server = new Server()
  const written = await backendOn(server).replace('me', login('access-old'))
  const holder = await holding(storeOn(server))
  server.forget()
  server.isAway = true
  holder.letOn()
  await vi.advanceTimersByTimeAsync(LEASE / 5)
  const found = vi.fn<(record: StoredRecord | undefined) => void>()
  const change = async (current: StoredRecord | undefined): Promise<undefined> => {
    found(current)
    return undefined
  }
  void storeOn(server).update('me', change, { known: written.revision })
  server.isAway = false
  await vi.advanceTimersByTimeAsync(LEASE)
  await holder.done
  await vi.advanceTimersByTimeAsync(LEASE)
  // It is told of the newer record, or does not even need the lock.
  expect(found.mock.calls.filter(([record]) => record?.token?.accessToken !== 'access-new')).toEqual([])
  expect((await backendOn(server).read('me'))?.token?.accessToken).toBe('access-new')
})

test('[S9] given a record that a process knows and that vanished for good, when a process wants the lock, then it gets it after a lease', async () => {
  const server = new Server()
  let isIn = false
  void storeOn(server).update('me', async () => void (isIn = true), { known: 7 })
  await vi.advanceTimersByTimeAsync(LEASE - 100)
  expect(isIn).toBe(false)
  await vi.advanceTimersByTimeAsync(LEASE)
  expect(isIn).toBe(true)
})

test('[S9] given a record that vanished while its lock was held, when the holder writes, then it learns that', async () => {
  const server = new Server()
  await backendOn(server).replace('me', login('access-old'))
  const lock = await lockOn(server)
  server.forget()
  expect(await lock.write({ token: { accessToken: 'access-new' } })).toMatchObject({ hasVanished: true })
})

test('[S4] given a failure that was written under an abandoned lock, when the next process acquires the lock, then it is still abandoned', async () => {
  const server = new Server()
  const failure = { code: 'source_unavailable', terminal: false, at: 1, abandoned: true } as const
  await (await lockOn(server)).write({ token: undefined, failure })
  const next = await lockOn(server)
  expect([next.abandoned, next.current?.failure]).toEqual([true, failure])
  await next.write({ token: { accessToken: 'access-1' } })
  expect((await lockOn(server)).abandoned).toBe(false)
})

test('[S9] given another write between reading and replacing, when a record is replaced, then the change runs again on the new record', async () => {
  const server = new Server()
  server.onSwap = async () => {
    server.onSwap = undefined
    await backendOn(server).replace('me', login('access-between'))
  }
  const replaced = await backendOn(server).replace('me', login('access-mine'))
  expect(replaced).toMatchObject({ token: { accessToken: 'access-mine' }, session: 2 })
})

test('[S9] given a login whose response is lost, when the store tries again, then the login counts once', async () => {
  const server = new Server()
  server.losesSwaps = true
  const replacing = backendOn(server).replace('me', login('access-mine'))
  await vi.advanceTimersByTimeAsync(0)
  server.losesSwaps = false
  await vi.advanceTimersByTimeAsync(LEASE)
  expect(await replacing).toMatchObject({ token: { accessToken: 'access-mine' }, session: 1 })
})

test('[S9, S3] given a login whose response is lost, when another process has redeemed its refresh token since, then the newer token stays', async () => {
  const server = new Server()
  server.losesSwaps = true
  const replacing = backendOn(server).replace('me', login('access-mine'))
  await vi.advanceTimersByTimeAsync(0)
  server.losesSwaps = false
  await (await lockOn(server)).write({ token: { accessToken: 'access-refreshed' }, session: 1 })
  await vi.advanceTimersByTimeAsync(LEASE)
  expect(await replacing).toMatchObject({ token: { accessToken: 'access-refreshed' }, session: 1 })
})

test('[S9] given a driver whose read returns only after the store’s timeout, then nothing is replaced', async () => {
  const server = new Server()
  const read = vi.spyOn(server, 'read').mockImplementation(async () => {
    await new Promise((resolve) => setTimeout(resolve, TIMEOUT + 1))
    return undefined
  })
  const replacing = backendOn(server).replace('me', login('access-mine'))
  const failed = expect(replacing).rejects.toMatchObject({ code: 'store_failed' })
  await vi.advanceTimersByTimeAsync(TIMEOUT + 1)
  await failed
  read.mockRestore()
  expect(await server.read()).toBeUndefined()
})

test('[S10] given a client that its user has closed, when a lock is renewed or written under, then that fails at once, and is not tried again', async () => {
  const server = new Server()
  const backend = backendOn(server)
  const lock = await lockOn(server)
  server.isClosed = true
  const extend = vi.spyOn(server, 'extend')
  for (const ask of [() => lock.renew(), () => lock.write({ token: { accessToken: 'access-1' } })]) {
    const thrown: unknown = await ask().catch((error: unknown) => error)
    expect([backend.isFinal(thrown), backend.isFinal(backend.explain(thrown))]).toEqual([true, true])
  }
  expect([extend.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0])
})

test('[S10] given a server that is unreachable, when a lock is renewed, then the pauses between tries keep no process alive', async () => {
  const server = new Server()
  const lock = await lockOn(server)
  server.isAway = true
  vi.useRealTimers()
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const renewing = lock.renew().catch(() => undefined)
  await vi.waitFor(() => expect(timers.mock.results.length).toBeGreaterThan(1), 120_000)
  const ours = timers.mock.results.map(({ value }) => value as NodeJS.Timeout)
  server.isAway = false
  expect(ours[0]?.hasRef()).toBe(false)
  await renewing
})

test('[S9] given a lock that was released or written under, when a late renewal would be tried again, then it is not sent', async () => {
  for (const end of [(lock: Lock) => lock.release(false), (lock: Lock) => lock.write({ token: undefined })]) {
    const server = new Server()
    const lock = await lockOn(server)
    server.isAway = true
    const extend = vi.spyOn(server, 'extend')
    const renewing = lock.renew()
    await vi.advanceTimersByTimeAsync(0)
    server.isAway = false
    await end(lock)
    await vi.advanceTimersByTimeAsync(LEASE)
    expect([await renewing, extend.mock.calls.length]).toEqual([false, 1])
  }
})

test('[S9, S7] given a server that took no renewals for less than half a lease, because it had no room, then the holder writes first', async () => {
  const server = new Server(LEASE)
  const holder = await holding(storeOn(server))
  const waiter = wanting(storeOn(server))
  await vi.advanceTimersByTimeAsync(LEASE * 4)
  let isFull = true
  const full = new Error('OOM command not allowed when used memory > maxmemory')
  const [take, extend] = [server.take.bind(server), server.extend.bind(server)]
  vi.spyOn(server, 'extend').mockImplementation(async (...asked) => {
    if (isFull) throw full
    return extend(...asked)
  })
  const refused = vi.fn<() => void>()
  // It tells who holds the lock, and gives none.
  vi.spyOn(server, 'take').mockImplementation(async (key, owner, known, mayTakeOver) => {
    const taken = await take(key, owner, known, isFull ? false : mayTakeOver)
    if (!isFull || taken.type !== 'held' || taken.remaining > 0) return taken
    refused()
    throw full
  })
  for (; refused.mock.calls.length === 0;) await vi.advanceTimersByTimeAsync(10)
  isFull = false
  await vi.advanceTimersByTimeAsync(LEASE / 5)
  expect(waiter.found).toBe(undefined)
  holder.letOn()
  await holder.done
  await vi.advanceTimersByTimeAsync(LEASE)
  expect(waiter.found).toEqual(['access-new', false])
})
