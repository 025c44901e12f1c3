import { expect, onTestFinished, test, vi } from 'vitest'
import { keepAlive } from '../../src/credential/record/exit-grace.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { Account, FlakyStore, numbered, processOf } from './account.ts'

test('[K17, C13] given a login that a store refuses again and again, then the process stays alive for one exitGrace, not for one after each try', async () => {
  const [clock, store] = [new ManualClock(), new FlakyStore()]
  const { token } = processOf(new Account(), store, clock, { exitGrace: 12_345 })
  store.failsTo = 'write'
  await expect(token.login(numbered(1))).rejects.toMatchObject({ code: 'store_failed' })
  const started = vi.spyOn(globalThis, 'setTimeout')
  const graces = (): number => started.mock.calls.filter(([, ms]) => ms === 12_345).length
  try {
    for (let n = 0; n < 5; n++) {
      process.emit('beforeExit', 0)
      await clock.advance(10_000)
    }
    expect(graces()).toBe(1)
    store.failsTo = 'nothing'
    await clock.advance(10_000)
    await settled()
    expect(token.status().isUnsaved).toBe(false)
    process.emit('beforeExit', 0)
    expect(graces()).toBe(1)
  } finally {
    started.mockRestore()
  }
})

test('[K17] given two unsaved tokens, when the process would end, then each keeps it alive for its own exitGrace, once, and a stored token no longer does', () => {
  const listeners = process.listenerCount('beforeExit')
  const started = vi.spyOn(globalThis, 'setTimeout')
  const stopped = vi.spyOn(globalThis, 'clearTimeout')
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
  const graces = (): unknown[] =>
    started.mock.calls.map(([, ms]) => ms).filter((ms) => ms === 12_001 || ms === 12_002)
  const letFirstGo = keepAlive(12_001)
  process.emit('beforeExit', 0)
  const letSecondGo = keepAlive(12_002)
  process.emit('beforeExit', 0)
  process.emit('beforeExit', 0)
  expect(graces()).toEqual([12_001, 12_002])
  letFirstGo()
  letSecondGo()
  letSecondGo()
  const timers = started.mock.results.map(({ value }) => value as unknown)
  const cleared = new Set(stopped.mock.calls.map(([timer]) => timer as unknown))
  expect(timers.filter((timer) => cleared.has(timer))).toHaveLength(2)
  expect(process.listenerCount('beforeExit')).toBe(listeners)
})
