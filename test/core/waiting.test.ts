import { expect, test } from 'vitest'
import { Refreshable, type RefreshableOptions, type RefreshEvent } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

const DEADLINE = 1_000

function cellOf(options: Partial<RefreshableOptions<string>> = {}, internals = {}) {
  const clock = new ManualClock()
  const source = responder<string>()
  const cell = new Refreshable({ refresh: source.refresh, deadline: DEADLINE, clock, ...options }, internals)
  return { clock, source, cell }
}

/** What a caller has ended with so far. */
function watched(caller: Promise<{ generation: number }>): { ending: unknown } {
  const result: { ending: unknown } = { ending: 'waits' }
  caller.then(
    ({ generation }) => (result.ending = generation),
    (error: unknown) => (result.ending = error instanceof Error && 'code' in error ? error.code : error),
  )
  return result
}

test('[C15] given a flight, when callers join at different times, then each gets the rest of its one deadline', async () => {
  const { clock, cell } = cellOf()
  const first = watched(cell.snapshot())
  await clock.advance(400)
  const second = watched(cell.snapshot())
  await clock.advance(599)
  expect([first.ending, second.ending]).toEqual(['waits', 'waits'])
  await clock.advance(1)
  expect([first.ending, second.ending]).toEqual(['refresh_timeout', 'refresh_timeout'])

  const late = watched(cell.snapshot())
  await settled()
  expect(late.ending).toBe('refresh_timeout')
})

test('[C15] given 1,000 callers of one turn, when they wait, then they share one promise and one timer', async () => {
  const { clock, cell } = cellOf({ initial: 'old' })
  const callers = new Set(Array.from({ length: 1_000 }, () => cell.refresh({ generation: 1 })))
  expect([callers.size, clock.armed]).toEqual([1, 1])
  await settled()
  const later = new Set(Array.from({ length: 1_000 }, () => cell.refresh({ generation: 1 })))
  expect([later.size, clock.armed]).toEqual([1, 2])
  for (const caller of [...callers, ...later]) caller.catch(() => undefined)
})

test('[C15] given a request that ended with its timers, when the next calls come, then each times out by itself, and a new flight begins after five deadlines', async () => {
  /** A platform that cancels a request's timers with the request. */
  class CancellingClock extends ManualClock {
    cancels = false
    override setTimeout(run: () => void, ms: number): number {
      return super.setTimeout(() => this.cancels || run(), ms)
    }
  }
  const clock = new CancellingClock()
  const signals: AbortSignal[] = []
  const cell = new Refreshable({
    deadline: DEADLINE,
    clock,
    refresh: ({ signal }) => {
      signals.push(signal)
      return signals.length === 1 ? new Promise<string>(() => undefined) : Promise.resolve('second')
    },
  })
  void cell.snapshot().catch(() => undefined)
  await settled()
  clock.cancels = true
  await clock.advance(300)
  // The second request has timers of its own.
  clock.cancels = false
  const second = watched(cell.snapshot())
  clock.cancels = true
  await clock.advance(1)
  clock.cancels = false
  await clock.advance(699)
  expect(second.ending).toBe('refresh_timeout')

  clock.jump(3_999)
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'refresh_timeout' })
  expect(signals).toHaveLength(1)
  clock.jump(1)
  expect((await cell.snapshot()).value).toBe('second')
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
})

test('[C15] given a source that spends nothing, when a call comes after the deadline, then it begins a new flight at once', async () => {
  const { clock, source, cell } = cellOf({}, { spends: false })
  const first = watched(cell.snapshot())
  clock.jump(DEADLINE)
  const second = cell.snapshot()
  expect(source.calls).toHaveLength(2)
  expect(source.call(0).context.signal.aborted).toBe(true)
  source.call(1).resolve('second')
  expect((await second).value).toBe('second')
  expect(first.ending).toBe('refresh_timeout')

  source.call(0).resolve('late')
  await settled()
  expect(cell.peek()?.value).toBe('second')
})

test('[C5] given a flight that was given up, when its value arrives while the next flight runs, then the callers of the next flight get it', async () => {
  const { clock, source, cell } = cellOf({ initial: 'one' })
  void cell.refresh({ generation: 1 }).catch(() => undefined)
  clock.jump(5 * DEADLINE)
  const waiting = watched(cell.refresh({ generation: 1 }))
  expect(source.calls).toHaveLength(2)
  source.call(0).resolve('late')
  await settled()
  expect(waiting.ending).toBe(2)
  source.call(1).resolve('even newer')
  await settled()
  expect(cell.peek()).toMatchObject({ value: 'even newer', generation: 3 })
})

test.each(['a cell', 'a map'])(
  '[C5] given %s and a late value that is rejected, when the running flight fails, then its caller gets the failure, not the rejected value',
  async (kind) => {
    const { clock, source, cell } = cellOf({ cooldown: 0 })
    const refresher = kind === 'a cell' ? cell : cell.map((value) => ({ value }))
    void refresher.snapshot().catch(() => undefined)
    await clock.advance(5 * DEADLINE)
    const early = watched(refresher.refresh({ generation: 0 }))
    source.call(0).resolve('late')
    await settled()
    expect(early.ending).toBe(1)
    const rejected = watched(refresher.refresh({ generation: 1 }))
    source.call(1).reject(new Error('no'))
    await settled()
    expect(rejected.ending).toBe('refresh_failed')
  },
)

test('[C5] given a flight that is given up, when its callers and listeners learn of it, then its signal has aborted already', async () => {
  const heard: unknown[] = []
  const { clock, source, cell } = cellOf({
    cooldown: 0,
    initial: 'one',
    onEvent: ({ type }) => {
      if (type !== 'refresh_failed') return
      heard.push(source.call(0).context.signal.aborted)
      void cell.refresh({ generation: 1 }).catch(() => undefined)
      heard.push(source.calls.length)
    },
  })
  void cell.refresh({ generation: 1 }).catch(() => undefined)
  await clock.advance(5 * DEADLINE)
  expect(heard).toEqual([true, 2])
})

test('[C11] given a login during a flight, when the flight’s signal aborts, then the login is in force already', async () => {
  const { source, cell } = cellOf({ initial: 'one' })
  const waiting = watched(cell.refresh({ generation: 1 }))
  let seen: unknown
  source.call(0).context.signal.addEventListener('abort', () => (seen = [cell.peek()?.value, waiting.ending]))
  cell.set('login')
  expect(seen).toEqual(['login', 'waits'])
  await settled()
  expect(waiting.ending).toBe(2)
})

test('[C12, C15] given a build that hangs, when a call comes after its deadline, then another build begins', async () => {
  const { clock, cell } = cellOf({ initial: 'one' })
  const finish: ((value: string) => void)[] = []
  const built = cell.map(() => new Promise<string>((resolve) => finish.push(resolve)))
  const first = watched(built.snapshot())
  await settled()
  clock.jump(DEADLINE)
  const second = built.snapshot()
  await settled()
  expect(finish).toHaveLength(2)
  finish[1]?.('second')
  expect((await second).value).toBe('second')
  await clock.advance(1)
  expect(first.ending).toBe('refresh_timeout')
  finish[0]?.('first')
  await settled()
  expect(built.peek()?.value).toBe('second')
  expect(clock.armed).toBe(0)
})

test('[C15] given a flight that waits in a queue, when its turn comes, then its deadline begins anew, and so does its callers’ wait', async () => {
  const { clock, source, cell } = cellOf()
  const first = watched(cell.snapshot())
  const { queued } = source.call(0).context
  await clock.advance(500)
  queued?.(true)
  const leaving = new AbortController()
  const left = cell.snapshot({ signal: leaving.signal }).catch((error: unknown) => error)
  await clock.advance(3_300)
  leaving.abort('left')
  expect(await left).toBe('left')
  queued?.(false)
  await clock.advance(DEADLINE - 1)
  expect(first.ending).toBe('waits')
  await clock.advance(1)
  expect(first.ending).toBe('refresh_timeout')
  expect(source.call(0).context.signal.aborted).toBe(false)
  await clock.advance(4 * DEADLINE)
  expect(source.call(0).context.signal.aborted).toBe(true)
  expect(clock.armed).toBe(0)
})

test('[C15] given a flight in queues, when it has waited there for five deadlines, then it ends', async () => {
  const events: RefreshEvent[] = []
  const { clock, source, cell } = cellOf({ onEvent: (event) => events.push(event) })
  const caller = watched(cell.snapshot())
  const { queued, signal } = source.call(0).context
  queued?.(true)
  await clock.advance(3 * DEADLINE)
  queued?.(false)
  queued?.(true)
  await clock.advance(2 * DEADLINE - 1)
  expect([caller.ending, signal.aborted]).toEqual(['waits', false])
  await clock.advance(1)
  expect([caller.ending, signal.aborted, clock.armed]).toEqual(['refresh_timeout', true, 0])
  expect(events.map(({ type }) => type)).toEqual(['refresh_started', 'refresh_failed'])
})

test('[C15] given a flight past its deadline, when it enters a queue, then the deadline stays passed', async () => {
  const { clock, source, cell } = cellOf()
  const first = watched(cell.snapshot())
  await clock.advance(DEADLINE)
  source.call(0).context.queued?.(true)
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'refresh_timeout' })
  expect(first.ending).toBe('refresh_timeout')
  await clock.advance(4 * DEADLINE)
  expect(source.call(0).context.signal.aborted).toBe(true)
})

test('[C13] given a clock that is set back, when a caller’s timer fires, then the caller’s wait ends', async () => {
  const clock = new ManualClock()
  let offset = 0
  const skewed = {
    now: () => clock.now() + offset,
    setTimeout: (run: () => void, ms: number) => clock.setTimeout(run, ms),
    clearTimeout: (id: unknown) => clock.clearTimeout(id),
  }
  const { cell } = cellOf({ clock: skewed })
  const first = watched(cell.snapshot())
  await settled()
  const second = watched(cell.snapshot())
  offset = -7_200_000
  await clock.advance(DEADLINE)
  expect([first.ending, second.ending]).toEqual(['refresh_timeout', 'refresh_timeout'])
  // Set back once, not once for each caller: five deadlines have not passed.
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'refresh_timeout' })
  await clock.advance(4 * DEADLINE - 1)
  await expect(cell.snapshot()).rejects.toMatchObject({ code: 'refresh_timeout' })
})
