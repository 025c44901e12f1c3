import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { Refreshable, type RefreshableOptions } from '../../src/index.ts'
import { fileOfSource, program } from '../support/bundle.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

interface Token {
  readonly name: string
  readonly expiresAt: number
}

function tokenCell(lifetime: number, options: Partial<RefreshableOptions<Token>> = {}) {
  const clock = new ManualClock()
  const source = responder<Token>()
  const issue = (name: string, ms: number = lifetime): Token => ({ name, expiresAt: clock.now() + ms })
  const cell = new Refreshable<Token>({
    initial: issue('first'),
    refresh: source.refresh,
    expiresAt: (token) => token.expiresAt,
    clock,
    ...options,
  })
  return { clock, source, cell, issue }
}

test('[C9] given a value near its expiry, when a call takes it, then a refresh runs in the background, and callers still get the value', async () => {
  const { clock, source, cell, issue } = tokenCell(100_000)
  const first = await cell.snapshot()
  await clock.advance(90_000 - 1)
  expect(await cell.snapshot()).toBe(first)
  expect(source.calls).toHaveLength(0)

  await clock.advance(5_000 + 1)
  expect(await cell.snapshot()).toBe(first)
  expect(await cell.snapshot()).toBe(first)
  expect(source.calls.map(({ context }) => context.cause)).toEqual(['expiring'])
  source.call(0).resolve(issue('second'))
  await settled()
  expect((await cell.snapshot()).value.name).toBe('second')
})

test('[C9] the window before the expiry is at most a tenth of the lifetime, with a random part', async () => {
  const starts = new Set<number>()
  for (let round = 0; round < 30; round++) {
    const { clock, source, cell } = tokenCell(1_000_000)
    await clock.advance(900_000 - 1)
    while (source.calls.length === 0) {
      await clock.advance(1_000)
      void cell.snapshot()
    }
    starts.add(clock.now())
  }
  const begin = new ManualClock().now()
  for (const at of starts) {
    expect(at - begin).toBeGreaterThanOrEqual(900_000 - 1)
    expect(at - begin).toBeLessThanOrEqual(951_000)
  }
  expect(starts.size).toBeGreaterThan(3)
})

test('[C9] given tokens that live 3 s, when 1,000 calls are made, then there are no more refreshes than expiries', async () => {
  let issued = 0
  const clock = new ManualClock()
  const cell = new Refreshable<Token>({
    refresh: async () => ({ name: `${++issued}`, expiresAt: clock.now() + 3_000 }),
    expiresAt: (token) => token.expiresAt,
    clock,
  })
  for (let call = 0; call < 1_000; call++) {
    const { value } = await cell.snapshot()
    expect(value.expiresAt).toBeGreaterThan(clock.now())
    await clock.advance(30)
  }
  // 30 s of tokens that each serve at least 2.7 s
  expect(issued).toBeLessThanOrEqual(Math.ceil(30_000 / 2_700))
})

test('[C9] given tokens that arrive expired, when 1,000 calls are made without a rejection, then none of them refreshes', async () => {
  const { clock, source, cell, issue } = tokenCell(-5_000)
  const first = await cell.snapshot()
  for (let call = 0; call < 1_000; call++) {
    expect(await cell.snapshot()).toBe(first)
    await clock.advance(100)
  }
  expect(source.calls).toHaveLength(0)

  const second = cell.refresh(first)
  source.call(0).resolve(issue('second', -5_000))
  await second
  for (let call = 0; call < 1_000; call++) await cell.snapshot()
  expect(source.calls).toHaveLength(1)
})

test('[C9] given refreshed values that expire within a second, when calls are made, then no call refreshes for the new expiry', async () => {
  let issued = 0
  const clock = new ManualClock()
  const cell = new Refreshable<Token>({
    refresh: async () => ({ name: `${++issued}`, expiresAt: clock.now() + 20 }),
    expiresAt: (token) => token.expiresAt,
    clock,
  })
  for (let call = 0; call < 1_000; call++) {
    await cell.snapshot()
    await clock.advance(50)
  }
  expect(issued).toBe(2)
})

test('[C9] given a valid value, when its background refresh fails, then callers still get the value, and the cooldown ends at the expiry', async () => {
  const { clock, source, cell, issue } = tokenCell(10_000)
  const first = await cell.snapshot()
  await clock.advance(9_600)
  await cell.snapshot()
  source.call(0).reject(new Error('down'))
  await settled()
  await clock.advance(300)
  expect(await cell.snapshot()).toBe(first)
  expect(source.calls).toHaveLength(1)

  await clock.advance(100)
  const waiting = cell.snapshot()
  expect(source.calls).toHaveLength(2)
  source.call(1).resolve(issue('second'))
  expect((await waiting).value.name).toBe('second')
})

test('[C9] given an expired value, when its refresh fails, then callers still get it', async () => {
  const { clock, source, cell } = tokenCell(10_000)
  const first = await cell.snapshot()
  await clock.advance(20_000)
  const waiting = cell.snapshot()
  source.call(0).reject(new Error('down'))
  expect(await waiting).toBe(first)
  expect(await cell.snapshot()).toBe(first)
  expect(source.calls).toHaveLength(1)
})

test('[C10] given a value that has not expired, when it is rejected, then it is refreshed', async () => {
  const { source, cell, issue } = tokenCell(3_600_000)
  const fresh = cell.refresh(await cell.snapshot())
  expect(source.call(0).context.cause).toBe('rejected')
  source.call(0).resolve(issue('second'))
  expect((await fresh).value.name).toBe('second')
})

test('[C10] given a background refresh, when a rejection comes, then it joins that refresh', async () => {
  const { clock, source, cell, issue } = tokenCell(100_000)
  const first = await cell.snapshot()
  await clock.advance(96_000)
  await cell.snapshot()
  const rejected = cell.refresh(first)
  const arriving = cell.snapshot()
  source.call(0).resolve(issue('second'))
  expect([(await rejected).value.name, (await arriving).value.name]).toEqual(['second', 'second'])
  expect(source.calls).toHaveLength(1)
})

test('[C13] given a machine that slept, when a call comes, then the clock decides whether the value has expired, not a timer', async () => {
  const { clock, source, cell, issue } = tokenCell(3_600_000)
  await cell.snapshot()
  expect(clock.armed).toBe(0)
  clock.jump(8 * 3_600_000)
  const waiting = cell.snapshot()
  source.call(0).resolve(issue('after the sleep'))
  expect((await waiting).value.name).toBe('after the sleep')
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, undefined])(
  '[C9] given an expiry of %s, then it counts as not known, and callers get the value until it is rejected',
  async (expiry) => {
    const { clock, source, cell } = tokenCell(1_000, { expiresAt: () => expiry })
    await clock.advance(10 ** 12)
    expect((await cell.snapshot()).expiresAt).toBeUndefined()
    expect(source.calls).toHaveLength(0)
  },
)

test('[C13] given a refresh that hangs, when nothing else runs, then the process ends', async () => {
  const script = await program(`
    import { Refreshable } from '${fileOfSource('index.ts')}'
    new Refreshable({ refresh: () => new Promise(() => {}) }).snapshot().catch(() => {})
    process.on('exit', () => console.log('ended by itself'))`)
  const ended = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 120_000 })
  expect(ended.stderr).toBe('')
  expect([ended.stdout.trim(), ended.status]).toEqual(['ended by itself', 0])
})

test('[C8] given a value past its known expiry, when it is rejected, then the breaker does not count that', async () => {
  const clock = new ManualClock()
  let issued = 0
  const cell = new Refreshable<Token>({
    refresh: async () => ({ name: `${++issued}`, expiresAt: clock.now() + 3_000 }),
    expiresAt: (token) => token.expiresAt,
    clock,
  })
  let snapshot = await cell.snapshot()
  for (let round = 0; round < 20; round++) {
    clock.jump(3_000)
    snapshot = await cell.refresh(snapshot)
  }
  expect(issued).toBe(21)
})
