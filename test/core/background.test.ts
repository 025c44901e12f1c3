import { expect, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

/** Takes flights, as `waitUntil` does, and tells whether each is over. */
function taker() {
  const flights: { isOver: boolean }[] = []
  const background = (flight: Promise<void>): void => {
    const taken = { isOver: false }
    flights.push(taken)
    void flight.then(() => (taken.isOver = true))
  }
  return { flights, background }
}

test('[C15] given `background` in the options and in a call, when the call begins a flight, then both receive it inside the call', async () => {
  const source = responder<string>()
  const [general, own] = [taker(), taker()]
  const cell = new Refreshable({ refresh: source.refresh, background: general.background })
  const waiting = cell.snapshot({ background: own.background })
  expect([general.flights.length, own.flights.length]).toEqual([1, 1])
  void cell.snapshot({ background: own.background })
  expect(own.flights).toHaveLength(1)
  await settled()
  expect(general.flights).toEqual([{ isOver: false }])

  source.call(0).resolve('value')
  await waiting
  await settled()
  expect([...general.flights, ...own.flights]).toEqual([{ isOver: true }, { isOver: true }])
})

test('[C15] given a refresh ahead of an expiry, when a call begins it, then `background` receives it', () => {
  const clock = new ManualClock()
  const { flights, background } = taker()
  const expiresAt = clock.now() + 100_000
  const cell = new Refreshable({
    initial: 'first',
    refresh: () => new Promise<string>(() => undefined),
    expiresAt: () => expiresAt,
    clock,
    background,
  })
  clock.jump(99_000)
  void cell.snapshot()
  expect(flights).toHaveLength(1)
})

test('[C15] given a flight that fails, when it is over, then its promise does not reject', async () => {
  const { flights, background } = taker()
  const cell = new Refreshable({
    initial: 'old',
    refresh: () => Promise.reject(new Error('down')),
    background,
  })
  await cell.refresh({ generation: 1 }, { background }).catch(() => undefined)
  await settled()
  expect(flights).toEqual([{ isOver: true }])
})

test('[C15] given callbacks that throw or reject, when a flight begins, then the flight goes on', async () => {
  const cell = new Refreshable({
    refresh: async () => 'value',
    background: () => {
      throw new Error('no request')
    },
  })
  const failing = async (): Promise<void> => {
    throw new Error('no request')
  }
  const rejecting = (): unknown => failing()
  expect((await cell.snapshot({ background: rejecting })).value).toBe('value')
})

test('[C15] given a flight that is given up or superseded, when its function never ends, then the promise of `background` settles', async () => {
  const clock = new ManualClock()
  const { flights, background } = taker()
  const cell = new Refreshable({
    initial: 'one',
    refresh: () => new Promise<string>(() => undefined),
    deadline: 1_000,
    cooldown: 0,
    clock,
    background,
  })
  void cell.refresh({ generation: 1 }).catch(() => undefined)
  await clock.advance(4_999)
  expect(flights).toEqual([{ isOver: false }])
  await clock.advance(1)
  expect(flights).toEqual([{ isOver: true }])

  void cell.refresh({ generation: 1 }).catch(() => undefined)
  cell.set('login')
  await settled()
  expect(flights).toEqual([{ isOver: true }, { isOver: true }])
})

test('[C15] given a value that is not stored yet, when its flight has landed, then the promise of `background` settles once the value is stored', async () => {
  const { flights, background } = taker()
  let store: () => void = () => undefined
  const stored = new Promise<void>((resolve) => (store = resolve))
  const cell = new Refreshable({ refresh: async () => 'value', background }, { settled: () => stored })
  await cell.snapshot()
  await settled()
  expect(flights).toEqual([{ isOver: false }])
  store()
  await settled()
  expect(flights).toEqual([{ isOver: true }])
})
