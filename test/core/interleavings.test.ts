import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  Refreshable,
  type RefreshableOptions,
  type RefreshContext,
  RefreshError,
  retryOnce,
} from '../../src/index.ts'
import { explored } from '../support/explored.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { DEADLINE, type Ending, ReferenceModel } from './reference-model.ts'

/** Between two steps everything that can go on goes on. */
const scheduler = fc.scheduler({
  act: async (step) => {
    await step()
    await settled()
  },
})

// The trial `schedules` explores many more. On failure fast-check prints the seed, the path and the schedule; give the seed to repeat it.
const schedules = explored(1_000)
/** ms: thousands of schedules take their time on a busy machine. */
const PATIENCE = 60_000 + 30 * schedules.numRuns

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('reject' as const), age: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('reject and leave' as const) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('read' as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('accept' as const), age: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('still rejected' as const), age: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('queue' as const), isWaiting: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('set' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('clear' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('tick' as const),
      ms: fc.constantFrom(500, DEADLINE, 2_000, 5 * DEADLINE, 70_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('jump' as const),
      ms: fc.constantFrom(500, DEADLINE, 5 * DEADLINE, 70_000),
    }),
  },
)

test(
  '[C1, C2, C4, C5, C6, C8, C11, C15] given any interleaving, the cell does what the reference model does',
  { timeout: PATIENCE },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        scheduler,
        fc.array(command, { minLength: 2, maxLength: 14 }),
        fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
        fc.boolean(),
        async (steps, commands, luck, spends) => {
          const clock = new ManualClock()
          const model = new ReferenceModel(clock.now(), spends)
          let refreshes = 0
          let latest: RefreshContext<string> | undefined
          const options: RefreshableOptions<string> = {
            initial: 'login',
            deadline: DEADLINE,
            clock,
            refresh: async (context) => {
              latest = context
              const id = ++refreshes
              await steps.schedule(Promise.resolve(), `refresh ${id} settles`)
              const succeeds = luck[id - 1] ?? true
              model.land(id, succeeds)
              if (!succeeds) throw new Error('bad luck')
              return `token ${id}`
            },
          }
          const cell = new Refreshable(options, { spends })
          const endings: Promise<void>[] = []
          /** Compares what a caller ends with to what the model says. */
          const watch = (
            caller: Promise<{ generation: number }>,
            expected: ReturnType<typeof model.reject>,
            reads: boolean,
          ) => {
            endings.push(
              caller
                .then<Ending, Ending>(
                  ({ generation }) => generation,
                  (error: unknown) => (error instanceof RefreshError ? error.code : String(error)),
                )
                .then((ending) => {
                  if (typeof expected !== 'object') return expect(ending).toBe(expected)
                  const failed =
                    typeof expected.ending === 'string' && expected.ending !== 'credential_missing'
                  // One who only reads is served the stale value instead of the failure.
                  if (reads && failed) return expect(ending).toBeTypeOf('number')
                  return expect(ending).toBe(expected.ending)
                }),
            )
          }
          const run = (step: typeof command extends fc.Arbitrary<infer C> ? C : never): void => {
            const generation = Math.max(1, model.generation - ('age' in step ? step.age : 0))
            switch (step.does) {
              case 'reject':
                return watch(cell.refresh({ generation }), model.reject(generation), false)
              case 'reject and leave': {
                const leaving = new AbortController()
                const expected = model.reject(generation)
                const caller = cell.refresh({ generation }, { signal: leaving.signal })
                if (typeof expected !== 'object') return watch(caller, expected, false)
                leaving.abort('left')
                endings.push(expect(caller).rejects.toBe('left'))
                return
              }
              case 'read':
                return watch(cell.snapshot(), model.read(), true)
              case 'accept':
                cell.accepted({ generation })
                return model.accept(generation)
              case 'still rejected':
                cell.stillRejected({ generation })
                return model.stillRejected(generation)
              case 'queue':
                if (model.flight !== undefined) latest?.queued?.(step.isWaiting)
                return model.queue(step.isWaiting)
              case 'set':
                cell.set('login again')
                return model.set()
              case 'clear':
                cell.clear()
                return model.clear()
              case 'tick':
                clock.tick(step.ms)
                return model.tick(step.ms)
              case 'jump':
                clock.jump(step.ms)
                return model.jump(step.ms)
            }
          }
          for (const [at, step] of commands.entries()) {
            void steps.schedule(Promise.resolve(), `${at}: ${step.does}`).then(() => {
              run(step)
              expect(refreshes).toBe(model.flights.length)
            })
          }
          while (steps.count() > 0) {
            await steps.waitNext(1)
            const inForce = model.inForce === undefined ? undefined : model.generation
            expect(cell.peek()?.generation).toBe(inForce)
          }
          clock.tick(20 * DEADLINE)
          model.tick(20 * DEADLINE)
          await Promise.all(endings)
          expect(clock.armed).toBe(0)
        },
      ),
      schedules,
    )
  },
)

test(
  '[C3] given callers that are rejected on one generation at any times, then exactly one refresh runs',
  { timeout: PATIENCE },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        scheduler,
        fc.integer({ min: 1, max: 8 }),
        fc.nat(3),
        async (steps, callers, expiries) => {
          // The remote side: only the newest token is good, and expiries come at any moment.
          let good = 0
          let issued = 0
          let expired = 0
          let refreshing = 0
          const cell = new Refreshable({
            initial: 0,
            refresh: async () => {
              expect(++refreshing).toBe(1)
              await steps.schedule(Promise.resolve(), 'token endpoint')
              refreshing--
              good = ++issued
              return good
            },
            clock: new ManualClock(),
          })
          const rejectedGenerations = new Set<number>()
          const call = (name: string) =>
            retryOnce(
              cell,
              async (token) => {
                await steps.schedule(Promise.resolve(), `${name} reaches the API`)
                const accepted = token === good
                await steps.schedule(Promise.resolve(), `${name} gets its answer`)
                if (!accepted) rejectedGenerations.add(token)
                else cell.accepted({ generation: token + 1 })
                return accepted ? 200 : 401
              },
              { isRejection: (status) => status === 401 },
            )
          for (let n = 0; n < expiries; n++) {
            void steps.schedule(Promise.resolve(), 'expiry').then(() => {
              if (good === issued) expired++
              good = -1
            })
          }
          const answers = Promise.all(Array.from({ length: callers }, (_, n) => call(`caller ${n}`)))
          await settled()
          while (steps.count() > 0) await steps.waitNext(1)
          expect(issued).toBeLessThanOrEqual(expired)
          expect(issued).toBeLessThanOrEqual(rejectedGenerations.size)
          if (expired > 1) return
          // One expiry, met by anyone: exactly one refresh, and two attempts are enough for everyone.
          expect(issued).toBe(rejectedGenerations.size)
          expect(await answers).toEqual(Array.from({ length: callers }, () => 200))
        },
      ),
      { ...schedules, numRuns: Math.ceil(schedules.numRuns / 2) },
    )
  },
)
