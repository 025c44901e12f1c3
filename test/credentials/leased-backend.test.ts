import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { asRefreshError } from '../../src/core/events.ts'
import { ExclusiveStore } from '../../src/credentials/exclusive.ts'
import type { LeaseTable, Row } from '../../src/credentials/lease-table.ts'
import { LeasedBackend } from '../../src/credentials/leased-backend.ts'
import type { Store, StoreContext } from '../../src/index.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const [LEASE, TIMEOUT] = [2_500, 60_000]

/** A server with one account, which can be out of reach. */
class Server implements LeaseTable {
  isAway = false
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

  async write(_: string, owner: string, row: Row): Promise<Row> {
    this.#reach()
    if (row.revision > (this.#row?.revision ?? 0)) this.#row = row
    await this.free('', owner)
    return this.#row ?? row
  }

  async free(_: string, owner: string): Promise<void> {
    this.#reach()
    if (this.#lock?.owner === owner) this.#lock = undefined
  }

  place(): string {
    return 'The record'
  }

  isPassing(): boolean {
    return true
  }

  explain = asRefreshError

  #reach(): void {
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

test('[S4, S7] a server that was away for longer than a lease: whoever comes first, the holder is heard', async () => {
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
  '[S4, S7] a lease of %i ms, and a server that was away between two looks of a waiter: the holder is heard first',
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

test('[S4, S7] a holder that outlived the absence of its server, and still waits for its answer, keeps the others out', async () => {
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

test('[S4] a server that was away with a holder that vanished: the lock is free a lease after it is back', async () => {
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
