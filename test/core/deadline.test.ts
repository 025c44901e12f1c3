import { expect, test } from 'vitest'
import { Refreshable, type RefreshEvent } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

function cellOf(initial?: string) {
  const clock = new ManualClock()
  const source = responder<string>()
  const cell = new Refreshable({ initial, refresh: source.refresh, deadline: 1_000, clock })
  return { clock, source, cell }
}

test('[C5] given a refresh that hangs, when its deadline has passed, then its callers get refresh_timeout, and no second refresh begins', async () => {
  const { clock, source, cell } = cellOf('old')
  const old = await cell.snapshot()
  const waiting = cell.refresh(old).catch((error: unknown) => error)
  await clock.advance(1_000)
  expect(await waiting).toMatchObject({ code: 'refresh_timeout' })

  await clock.advance(3_999)
  await expect(cell.refresh(old)).rejects.toMatchObject({ code: 'refresh_timeout' })
  expect(source.calls).toHaveLength(1)
  expect(source.call(0).context.signal.aborted).toBe(false)
})

test('[C5] given a refresh past its deadline, when its value arrives, then the cell adopts it', async () => {
  const { clock, source, cell } = cellOf('old')
  const old = await cell.snapshot()
  void cell.refresh(old).catch(() => undefined)
  await clock.advance(4_000)
  source.call(0).resolve('late')
  await settled()
  expect(await cell.refresh(old)).toMatchObject({ value: 'late', generation: 2 })
  expect(clock.armed).toBe(0)
})

test('[C5] given a refresh past its deadline, when its value arrives, then the event says that it was late', async () => {
  const clock = new ManualClock()
  const source = responder<string>()
  const events: RefreshEvent[] = []
  const cell = new Refreshable({
    refresh: source.refresh,
    deadline: 1_000,
    clock,
    onEvent: (event) => events.push(event),
  })
  void cell.snapshot().catch(() => undefined)
  await clock.advance(1_500)
  source.call(0).resolve('late')
  await settled()
  expect(events).toMatchObject([
    { type: 'refresh_started', cause: 'missing' },
    { type: 'refresh_succeeded', late: true, duration: 1_500, joined: 1 },
  ])
})

test('[C5] given a hanging refresh, when five deadlines have passed, then its signal aborts, another may run, and the later one’s value wins', async () => {
  const { clock, source, cell } = cellOf('old')
  const old = await cell.snapshot()
  void cell.refresh(old).catch(() => undefined)
  await clock.advance(5_000)
  expect(source.call(0).context.signal.aborted).toBe(true)
  await expect(cell.refresh(old)).rejects.toMatchObject({ code: 'refresh_suspended' })
  await clock.advance(1_000)
  const second = cell.refresh(old)
  expect(source.calls).toHaveLength(2)
  source.call(1).resolve('second')
  expect(await second).toMatchObject({ value: 'second', generation: 2 })

  source.call(0).resolve('first, much too late')
  await settled()
  expect(cell.peek()).toMatchObject({ value: 'second', generation: 2 })
})

test('[C5] given a flight that was given up, when its value arrives and none newer is in force, then the cell adopts it', async () => {
  const { clock, source, cell } = cellOf('old')
  const old = await cell.snapshot()
  void cell.refresh(old).catch(() => undefined)
  await clock.advance(60_000)
  source.call(0).resolve('rotated')
  await settled()
  expect(cell.peek()).toMatchObject({ value: 'rotated', generation: 2 })
})

test('[C5] given a stale value and a hanging refresh, when the deadline has passed, then the caller gets the stale value', async () => {
  const { clock, source, cell } = cellOf('old')
  const old = await cell.snapshot()
  void cell.refresh(old).catch(() => undefined)
  const joined = cell.snapshot()
  await clock.advance(1_000)
  expect(await joined).toBe(old)
  expect(await cell.snapshot()).toBe(old)
  expect(source.calls).toHaveLength(1)
})

test('[C14] given a refresh that awaits something and then its own cell, then it ends at the deadline', async () => {
  const clock = new ManualClock()
  const cell: Refreshable<string> = new Refreshable({
    clock,
    deadline: 1_000,
    refresh: async () => {
      await settled()
      return (await cell.snapshot()).value
    },
  })
  const waiting = cell.snapshot().catch((error: unknown) => error)
  await settled()
  await settled()
  await clock.advance(1_000)
  expect(await waiting).toMatchObject({ code: 'refresh_timeout' })
})

test('[C13] given a deadline beyond 2^31-1 ms, then its timer runs in steps that the platform can count', async () => {
  const steps: number[] = []
  const clock = new ManualClock()
  const counted = {
    now: () => clock.now(),
    setTimeout: (run: () => void, ms: number) => {
      steps.push(ms)
      return clock.setTimeout(run, ms)
    },
    clearTimeout: (id: unknown) => clock.clearTimeout(id),
  }
  const deadline = 2 ** 31 + 5
  const source = responder<string>()
  const cell = new Refreshable({ refresh: source.refresh, deadline, clock: counted })
  const waiting = cell.snapshot().catch((error: unknown) => error)
  await clock.advance(deadline - 1)
  expect(steps).toEqual([2 ** 31 - 1, 6])
  await clock.advance(1)
  expect(await waiting).toMatchObject({ code: 'refresh_timeout' })
})

test('[C13] given a refresh that has settled in any way, then no timer is left', async () => {
  const { clock, source, cell } = cellOf('old')
  const fresh = cell.refresh(await cell.snapshot())
  expect(clock.armed).toBe(1)
  source.call(0).resolve('new')
  const failing = cell.refresh(await fresh)
  // The value came from a refresh and was rejected at once: the breaker refuses, and no timer is armed.
  await expect(failing).rejects.toMatchObject({ code: 'refresh_suspended' })
  expect(clock.armed).toBe(0)

  await clock.advance(1_000)
  const superseded = cell.refresh(await cell.snapshot())
  expect(clock.armed).toBe(1)
  cell.set('login')
  await superseded
  expect(clock.armed).toBe(0)
})
