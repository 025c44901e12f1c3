import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import { tombstone } from '../../src/credential/tombstone.ts'
import {
  type AccessToken,
  type StoreChange,
  createCredential,
  type Credential,
  RefreshError,
  type SourceContext,
  type RecordContent,
  type StoredRecord,
  type UpdateOptions,
} from '../../src/index.ts'
import { explored } from '../support/explored.ts'
import { ManualClock } from '../support/manual-clock.ts'

// The trial `schedules` explores many more.
const schedules = explored(500)
/** ms: thousands of schedules take their time on a busy machine. */
const PATIENCE = 60_000 + 30 * schedules.numRuns

/** A server that rotates refresh tokens, and counts those that come a second time. */
class Authority {
  reused = 0
  #issued = 0
  readonly #live = new Set<string>()
  readonly #spent = new Set<string>()
  readonly #good = new Set<string>()

  /** A person logs in: what came before is worth nothing any more. */
  login(): AccessToken {
    this.logout()
    return this.#issue()
  }

  /** A session has ended: none of its tokens can harm it any more. */
  logout(): void {
    this.#live.clear()
    this.#spent.clear()
    this.#good.clear()
  }

  redeem(refreshToken: string | undefined): AccessToken {
    if (refreshToken === undefined || !this.#live.delete(refreshToken)) {
      if (this.#spent.has(refreshToken ?? '')) this.reused++
      throw new RefreshError('reauthentication_required', 'Log in again.')
    }
    this.#spent.add(refreshToken)
    this.#good.clear()
    return this.#issue()
  }

  expire(): void {
    this.#good.clear()
  }

  accepts({ accessToken }: AccessToken): boolean {
    return this.#good.has(accessToken)
  }

  #issue(): AccessToken {
    const n = ++this.#issued
    this.#live.add(`refresh-${n}`)
    this.#good.add(`access-${n}`)
    return { accessToken: `access-${n}`, refreshToken: `refresh-${n}` }
  }
}

type Scheduler = fc.Scheduler

/** A store whose every step may be overtaken by anything else, and that fails when it is told to. */
class ScheduledStore extends MemoryStore {
  failsTo: 'nothing' | 'write' | 'tell' = 'nothing'
  readonly #scheduler: Scheduler

  constructor(scheduler: Scheduler) {
    super()
    this.#scheduler = scheduler
  }

  override async read(key: string): Promise<StoredRecord | undefined> {
    await this.#step('read')
    const stored = await super.read(key)
    await this.#step('read, told')
    return stored
  }

  override async update(key: string, change: StoreChange, options?: UpdateOptions): Promise<StoredRecord> {
    await this.#step('lock')
    const stored = await super.update(
      key,
      async (current, context) => {
        await this.#step('locked')
        const content = await change(current, context)
        await this.#step('write')
        if (content !== undefined && this.failsTo === 'write') throw new Error('The disk is full.')
        return content
      },
      options,
    )
    await this.#step('unlocked')
    // It is written, and nobody learns of it.
    if (this.failsTo === 'tell') throw new Error('The connection is lost.')
    return stored
  }

  override async replace(
    key: string,
    change: (current: StoredRecord | undefined) => RecordContent,
  ): Promise<StoredRecord> {
    await this.#step('replace')
    if (this.failsTo === 'write') throw new Error('The disk is full.')
    const stored = await super.replace(key, change)
    await this.#step('replaced')
    if (this.failsTo === 'tell') throw new Error('The connection is lost.')
    return stored
  }

  override async delete(key: string): Promise<void> {
    await this.#step('delete')
    await MemoryStore.prototype.replace.call(this, key, tombstone)
    await this.#step('deleted')
  }

  #step(name: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), name)
  }
}

/** One call, and once more where it is rejected. */
async function call(token: Credential, authority: Authority, scheduler: Scheduler): Promise<void> {
  const held = await token.snapshot()
  await scheduler.schedule(Promise.resolve(), 'call')
  if (authority.accepts(held.value)) return token.accepted(held)
  const fresh = await token.refresh(held)
  await scheduler.schedule(Promise.resolve(), 'call again')
  if (authority.accepts(fresh.value)) token.accepted(fresh)
}

type What = 'call' | 'expire' | 'login' | 'logout' | 'write' | 'tell' | 'nothing'

/** Calls are what mostly happens. */
const USUAL: What[] = ['call', 'call', 'call', 'call', 'expire', 'expire', 'login', 'logout']

function actions(processes: number, what: What[]) {
  const action = fc.record({ process: fc.nat(processes - 1), what: fc.constantFrom(...what) })
  return fc.array(action, { maxLength: 14 })
}

/** Processes that share an account, and what happens to them, all at once. */
async function run(scheduler: Scheduler, count: number, happening: { process: number; what: What }[]) {
  const [authority, clock, store] = [new Authority(), new ManualClock(), new ScheduledStore(scheduler)]
  const source = {
    issue: async ({ current }: SourceContext): Promise<AccessToken> => {
      await scheduler.schedule(Promise.resolve(), 'ask')
      const token = authority.redeem(current?.refreshToken)
      await scheduler.schedule(Promise.resolve(), 'answer')
      return token
    },
  }
  const processes = Array.from({ length: count }, () =>
    createCredential({ source, store, clock, cooldown: 0 }),
  )
  const failures: unknown[] = []
  const act = async ({ process, what }: { process: number; what: What }): Promise<void> => {
    const token = processes[process]
    await scheduler.schedule(Promise.resolve(), `${process}: ${what}`)
    if (token === undefined) return
    if (what === 'call') await call(token, authority, scheduler)
    else if (what === 'expire') authority.expire()
    else if (what === 'login') await token.login(authority.login())
    else if (what === 'logout') {
      authority.logout()
      await token.logout()
    } else store.failsTo = what
  }
  const all = happening.map((action) => act(action).catch((error: unknown) => failures.push(error)))
  await scheduler.waitFor(Promise.all(all))
  await scheduler.waitIdle()
  expect(failures.every((error) => error instanceof RefreshError)).toBe(true)
  expect(authority.reused).toBe(0)
  const called = (token: Credential): Promise<unknown> =>
    scheduler.waitFor(call(token, authority, scheduler).catch((error: unknown) => error))
  return { authority, clock, store, processes, called }
}

test(
  '[C1, C11, K10] given any interleaving, then no token is redeemed twice, and the last login is in force in every process',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), actions(3, USUAL), async (scheduler, happening) => {
        const { authority, clock, processes, called } = await run(scheduler, 3, happening)
        // All is quiet. A person logs in at one of them; then there is a call at each.
        const [one] = processes
        if (one) await scheduler.waitFor(one.login(authority.login()))
        for (const token of processes) {
          // One that took itself for logged out looks again, once per cooldown.
          if ((await called(token)) !== undefined) {
            await clock.advance(60_000)
            expect(await called(token)).toBe(undefined)
          }
          await scheduler.waitIdle()
          const held = token.peek()
          expect(held && authority.accepts(held.value)).toBe(true)
        }
        expect(authority.reused).toBe(0)
        expect(clock.armed).toBe(0)
      }),
      schedules,
    )
  },
  PATIENCE,
)

test(
  '[K4, K10] given a store that fails writes or loses responses at any point, then no token is redeemed twice, and the token in force is stored in the end',
  async () => {
    const what: What[] = [...USUAL, 'write', 'tell', 'nothing', 'nothing']
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), actions(1, what), async (scheduler, happening) => {
        const { authority, clock, store, processes } = await run(scheduler, 1, happening)
        const [token] = processes
        store.failsTo = 'nothing'
        for (let n = 0; n < 3; n++) {
          clock.tick(60_000)
          await scheduler.waitIdle()
        }
        const held = token?.peek()?.value
        const isLoggedOut = token?.status().state === 'logged_out'
        const stored = await scheduler.waitFor(store.read('default'))
        if (held) expect(stored?.token).toEqual(held)
        else if (isLoggedOut) expect(stored?.token).toBe(undefined)
        expect(authority.reused).toBe(0)
        expect(clock.armed).toBe(0)
      }),
      schedules,
    )
  },
  PATIENCE,
)
