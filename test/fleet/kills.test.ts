import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../src/index.ts'
import { programOf } from '../support/programs.ts'
import { open, type Place } from './place.ts'
import { type Made, makers } from './places.ts'
import type { Victim } from './victim.ts'

const program = programOf('victim')
const old = { accessToken: 'access-old', refreshToken: 'refresh-old' }
const fresh = { accessToken: 'access-new', refreshToken: 'refresh-new' }

/** Lets a process update the store, and kills it at a step. */
async function killAt(last: string, place: Place, keys: readonly string[]): Promise<void> {
  const victim: Victim = { place, keys, last }
  const child = spawn(process.execPath, [program, JSON.stringify(victim)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  expect(String(line).trim()).toBe(last)
  const exit = once(child, 'exit')
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

/** The trial: so many times as many, one step after another. */
const more = Number(process.env['KILLS'] ?? 1)
const isTrial = process.env['KILLS'] !== undefined
/** ms: so soon a lock is free again, where the machine is a trial's own. */
const SOON = isTrial ? 3_000 : Infinity

// One client for each server: it is the server that has to do with kills.
const killed = Object.entries(makers).filter(([name]) => !/node-redis|postgres\.js/u.test(name))

describe.each(killed)('%s', (kind, make) => {
  const isFiles = kind === 'files'
  const times = isFiles ? 20 : 12
  let made: Made
  let store: Store
  let close: () => Promise<void>
  beforeAll(async () => {
    made = await make()
    ;({ store, close } = await open(made.place))
  })
  afterAll(async () => {
    await close()
    await made.close()
  })
  // Most of the time they wait for leases to end.
  const testEach = isTrial ? test : test.concurrent

  testEach.each((isFiles ? ofFiles : ofServers).map((step) => ({ step })))(
    `[S4] a process that is killed at the step $step.0, in ${times} updates at once, leaves a store that is whole and free`,
    async ({ step: [last, abandoned, left, read = left] }) => {
      const isFree = async (key: string): Promise<void> => {
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
      for (let round = 0; round < more; round++) {
        const keys = Array.from({ length: times }, (_, n) => `${last}-${round}-${n}`)
        await Promise.all(keys.map((key) => store.update(key, async () => ({ token: old }))))
        await killAt(last, made.place, keys)
        await Promise.all(keys.map(isFree))
      }
    },
    60_000 * more,
  )
})
