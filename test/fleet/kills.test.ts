import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../src/index.ts'
import { afterTests } from '../support/ends.ts'
import { programOf } from '../support/programs.ts'
import type { Place } from './place.ts'
import { opened, places } from './places.ts'
import type { Stop, Victim } from './victim.ts'

const program = programOf('victim')
const old = { accessToken: 'access-old', refreshToken: 'refresh-old' }
const fresh = { accessToken: 'access-new', refreshToken: 'refresh-new' }

/** Lets a process update the store, and kills it when each update is at its step. */
async function killAt(stops: readonly Stop[], place: Place): Promise<void> {
  const victim: Victim = { place, stops }
  const child = spawn(process.execPath, [program, JSON.stringify(victim)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const said = await Promise.race([once(child.stdout, 'data'), exit])
  expect(String(said[0]).trim()).toBe('stopped')
  child.kill('SIGKILL')
  expect(await exit).toEqual([null, 'SIGKILL'])
}

type Step = readonly [name: string, abandoned: boolean, left: typeof old, read?: typeof old]

// Where it is killed, whether the next is told that somebody vanished, what it finds, and what is read before, where that differs.
const ofFiles: readonly Step[] = [
  ['wanted', false, old],
  ['lock_drafted', false, old],
  ['lock_linked', true, old],
  ['locked', true, old],
  ['redeemed', true, old],
  ['changed', true, old],
  // The draft is there, and empty.
  ['record_opened', true, old],
  // It is complete, and perhaps not on the disk: it is adopted, as long as the machine stays up.
  ['record_written', false, fresh, old],
  ['record_drafted', false, fresh, old],
  ['record_linked', false, fresh],
  ['released', false, fresh],
  ['acknowledged', false, fresh],
]
const ofServers: readonly Step[] = [
  ['wanted', false, old],
  ['taken', true, old],
  ['locked', true, old],
  ['redeemed', true, old],
  ['changed', true, old],
  ['written', false, fresh],
  ['released', false, fresh],
  ['acknowledged', false, fresh],
]

/** The trial: so many rounds, one step after another. */
const rounds = Number(process.env['KILLS'] ?? 1)
const isTrial = process.env['KILLS'] !== undefined
/** ms: so soon a lock is free again, where the machine is a trial's own. */
const SOON = isTrial ? 3_000 : Infinity

// One client for each server: it is the server that has to do with kills.
const killed = Object.entries(places).filter(([name]) => !/node-redis|postgres\.js/u.test(name))

// Most of the time all wait for leases to end.
const describeAll = isTrial ? describe : describe.concurrent

describeAll.each(killed)('%s', (kind, make) => {
  const isFiles = kind === 'files'
  const times = isTrial ? (isFiles ? 20 : 12) : 6
  const steps = isFiles ? ofFiles : ofServers
  const ends = afterTests()
  let place: Place
  let store: Store

  const keysOf = (last: string, round: number): string[] =>
    Array.from({ length: times }, (_, n) => `${last}-${round}-${n}`)
  const kill = async (lasts: readonly string[], round: number): Promise<void> => {
    const stops = lasts.map((last) => ({ last, keys: keysOf(last, round) }))
    const keys = stops.flatMap((stop) => stop.keys)
    await Promise.all(keys.map((key) => store.update(key, async () => ({ token: old }))))
    await killAt(stops, place)
  }
  const isFree = async ([, abandoned, left, read = left]: Step, key: string): Promise<void> => {
    const began = performance.now()
    expect((await store.read(key))?.token).toEqual(read)
    const seen = { abandoned: false, token: undefined as unknown }
    const { token } = await store.update(key, async (current, lock) => {
      Object.assign(seen, { abandoned: lock.abandoned, token: current?.token })
      return { token: { accessToken: 'access-next' } }
    })
    expect(performance.now() - began).toBeLessThan(SOON)
    expect(seen).toEqual({ abandoned, token: left })
    expect(token).toEqual({ accessToken: 'access-next' })
  }
  const areFree = async (step: Step, round: number): Promise<void> => {
    await Promise.all(keysOf(step[0], round).map((key) => isFree(step, key)))
  }
  /** By step. */
  const freed = new Map<string, Promise<void>>()
  beforeAll(async () => {
    place = await make(ends)
    store = await opened(place, isTrial ? {} : { lease: 10_000 }, ends)
    if (isTrial) return
    // One kill for all steps.
    await kill(
      steps.map(([last]) => last),
      0,
    )
    for (const step of steps) {
      const all = areFree(step, 0)
      // Its test tells of a failure.
      all.catch(() => undefined)
      freed.set(step[0], all)
    }
  }, 180_000)

  test.each(steps.map((step) => ({ step })))(
    `[S4] given a process that is killed at the step $step.0, in ${times} updates at once, then the store is intact and its locks are free`,
    async ({ step }) => {
      const [last] = step
      if (!isTrial) {
        const all = freed.get(last)
        expect(all).toBeDefined()
        return all
      }
      for (let round = 0; round < rounds; round++) {
        await kill([last], round)
        await areFree(step, round)
      }
    },
    180_000 * rounds,
  )
})
