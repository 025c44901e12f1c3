import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { FileBackend } from '../../src/stores/file/backend.ts'
import { inspectFileStore } from '../../src/stores/file/index.ts'
import { thisMachine } from '../../src/stores/file/machine.ts'
import { afterTests } from '../support/ends.ts'
import { temporaryFolder } from '../support/folder.ts'
import { programOf } from '../support/programs.ts'
import { until } from '../support/until.ts'
import { asToken, type Fleet, startFleet } from './fleet.ts'
import { failed } from './hosts.ts'
import { places } from './places.ts'
import type { Sleeper } from './sleeper.ts'

const sleeper = programOf('sleeper')
const CALLERS = 5
/** ms: such as a busy machine keeps, and others wait for once. */
const LEASE = 6_000
const size = { processes: 2, callers: CALLERS }
const served: unknown = expect.objectContaining({ served: CALLERS })

const isAble = process.platform === 'linux' && process.getuid?.() === 0
if (!isAble) console.warn('NOT RUN: what holders in another pid namespace do. It takes Linux and root.')

// One process for all places, and one kill.
describe('given a process that is killed after it has redeemed and before it could write', () => {
  const ends = afterTests()
  const fleets = new Map<string, Fleet>()
  beforeAll(async () => {
    const firsts = Object.entries(places).map(async ([name, make]) => {
      const orders = { lease: LEASE }
      const fleet = await startFleet(await make(ends), { ...size, orders, ends })
      fleets.set(name, fleet)
      const { server, members, leaving, round } = fleet
      await round()
      server.expireAccessTokens()
      leaving.hold(1)
      void members[0]?.tell({ do: 'round' })
      await leaving.holding(1)
      return members[0]
    })
    for (const first of await Promise.all(firsts)) first?.kill()
  }, 300_000)

  test.concurrent.each(Object.keys(places))(
    '[S4, K3] %s: when the next process refreshes, then it makes one try, and its error says that the token may be spent',
    async (name) => {
      const fleet = fleets.get(name)
      const second = fleet?.members[1]
      if (fleet === undefined || second === undefined) throw new Error('no members')
      const { server, login, leaving } = fleet
      const told = await second.tell({ do: 'round' })
      expect(told).toEqual(failed('reauthentication_required', /may have been spent/u))
      expect(told.abandoned).toBe(1)
      // Nobody tries again.
      expect(await second.tell({ do: 'round' })).toEqual(
        failed('reauthentication_required', /may have been spent/u),
      )
      expect([server.tokenRequests(), login.redemptions(), login.refused()]).toEqual([2, 1, 1])
      leaving.release()
      await second.tell({ do: 'login', token: asToken(await server.login()) })
      expect(await second.tell({ do: 'round' })).toEqual(served)
    },
    180_000,
  )
})

// CI has to run it.
test.skipIf(!isAble && process.env['CI'] === undefined)(
  '[S5, S1] given a holder in another pid namespace, then it does not count as gone: one redemption is made, and all callers get the token',
  async () => {
    const path = await temporaryFolder()
    const { server, login, members, leaving, round } = await startFleet(
      { kind: 'files', path },
      {
        ...size,
        orders: { lease: 2_000 },
        byOf: (n) => (n === 0 ? ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] : []),
      },
    )
    const [first, second] = members
    if (first === undefined || second === undefined) throw new Error('no members')
    await round()
    server.expireAccessTokens()
    leaving.hold(1)
    const rounds = [first.tell({ do: 'round' })]
    await leaving.holding(1)
    rounds.push(second.tell({ do: 'round' }))
    const [entry] = await inspectFileStore({ path })
    expect(entry?.holder).toMatchObject({ pid: 1, isGone: false })

    // It shows signs of life for longer than its lease, and the other one leaves the lock to it.
    const folder = entry?.place ?? ''
    const lock =
      (await readdir(folder))
        .filter((name) => /^lock-\d+$/u.test(name))
        .toSorted()
        .at(-1) ?? ''
    const signs = new Set<bigint>()
    await until(async () => signs.add((await stat(join(folder, lock), { bigint: true })).mtimeNs).size === 8)
    leaving.release()
    expect(await Promise.all(rounds)).toEqual([
      expect.objectContaining({ served: CALLERS, abandoned: 0 }),
      expect.objectContaining({ served: CALLERS, abandoned: 0 }),
    ])
    expect([server.tokenRequests(), login.redemptions(), login.revoked()]).toEqual([1, 1, false])
  },
  180_000,
)

// Where start times are told relative to another boot, they tell no process from another. CI has to run it.
test.skipIf(!isAble && process.env['CI'] === undefined)(
  '[S5] given a holder in another time namespace, when other processes want the lock, then the holder does not count as gone until its process ends',
  async () => {
    const place = { kind: 'files', path: await temporaryFolder() } as const
    const by = ['--time', '--boottime', '100000', '--fork', '--kill-child', process.execPath, sleeper]
    const child = spawn(
      'unshare',
      [...by, JSON.stringify({ sleeps: [{ place, key: 'me' }], lease: 10_000 } satisfies Sleeper)],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    const [entry] = await inspectFileStore({ path: place.path })
    expect(entry?.holder?.isGone).toBe(false)
    const backend = new FileBackend({ path: place.path, lease: 86_400_000, machine: thisMachine })
    const contender = backend.lockWaiter('me', undefined)
    for (let looks = 0; looks < 5; looks++) expect(await contender.tryLock()).toBeTypeOf('number')
    const holder = Number(await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'))
    expect(entry?.holder?.pid).toBe(holder)
    process.kill(holder, 'SIGKILL')
    await once(child, 'exit')
    expect(await contender.tryLock()).toMatchObject({ abandoned: true })
  },
  180_000,
)
