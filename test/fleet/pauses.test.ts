import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Folder } from '../../src/stores/file/folder.ts'
import { afterTests } from '../support/ends.ts'
import { temporaryFolder } from '../support/folder.ts'
import { programOf } from '../support/programs.ts'
import type { Place } from './place.ts'
import { opened, places } from './places.ts'
import type { Slept, Sleeper } from './sleeper.ts'

const program = programOf('sleeper')
/** ms */
const [LEASE, SHORT] = [5_000, 1_500]

// Over files a process of the same machine is seen to be stopped: then its lease does not end.
const elsewhere = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const isAble = process.platform === 'linux' && process.getuid?.() === 0
if (!isAble)
  console.warn('NOT RUN: a stopped holder over files in another pid namespace. It takes Linux and root.')

/** The process itself, where another program started it in a pid namespace of its own. */
async function pidOf(child: ChildProcess, isWrapped: boolean): Promise<number> {
  const { pid = 0 } = child
  return isWrapped ? Number(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')) : pid
}

const kinds = [
  { does: 'covers nothing that is newer', written: { accessToken: 'access-newer' }, inForce: 'access-newer' },
  { does: 'keeps what it received, if nothing is newer', written: undefined, inForce: 'access-late' },
]
const names = Object.keys(places)

describe.each([
  { where: 'over files', here: names.filter((name) => name === 'files') },
  { where: 'over servers', here: names.filter((name) => name !== 'files') },
])('given a process that was stopped for longer than its lease, $where', ({ where, here }) => {
  const isWrapped = where === 'over files'
  const ends = afterTests()
  beforeEach(({ skip }) => skip(isWrapped && !isAble && process.env['CI'] === undefined))
  const rows = here.flatMap((name) => kinds.map((kind) => ({ name, ...kind })))
  /** What it tells, whether the others were told of it, and what is stored, by store and kind. */
  const came = new Map<
    string,
    readonly [Slept | undefined, wasAbandoned: boolean, stored: string | undefined]
  >()

  // One process sleeps for all of them.
  beforeAll(async () => {
    if (isWrapped && !isAble && process.env['CI'] === undefined) return
    const made = new Map<string, Place>()
    for (const name of here) {
      const place = await places[name]?.(ends)
      if (place !== undefined) made.set(name, place)
    }
    const sleeps = rows.flatMap(({ name, does: key, written }) => {
      const place = made.get(name)
      return place === undefined ? [] : [{ name, place, key, written }]
    })
    const [command, ...args] = [...(isWrapped ? elsewhere : []), process.execPath, program]
    const child = spawn(command, [...args, JSON.stringify({ sleeps, lease: LEASE } satisfies Sleeper)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const exit = once(child, 'exit')
    ends(async () => {
      child.kill('SIGKILL')
      await exit
    })
    const said = await Promise.race([once(child.stdout, 'data'), exit])
    if (String(said[0]).trim() !== 'redeemed') throw new Error(`It has not redeemed: ${String(said[0])}`)
    const pid = await pidOf(child, isWrapped)
    process.kill(pid, 'SIGSTOP')
    const seen = sleeps.map(async ({ place, key, written }) => {
      const store = await opened(place, { lease: LEASE }, ends)
      let wasAbandoned = false
      await store.update(key, async (_current, { abandoned }) => {
        wasAbandoned = abandoned
        return written && { token: written }
      })
      return { store, wasAbandoned }
    })
    const others = await Promise.all(seen)
    process.kill(pid, 'SIGCONT')
    child.stdin.write('go on\n')
    const slept = JSON.parse(await text(child.stdout)) as Slept[]
    for (const [n, { name, key }] of sleeps.entries()) {
      const { store, wasAbandoned = false } = others[n] ?? {}
      came.set(`${name} ${key}`, [slept[n], wasAbandoned, (await store?.read(key))?.token?.accessToken])
    }
  }, 180_000)

  test.each(rows)(
    '[S4] $name: when it goes on, then it learns that the lock is lost, and $does',
    ({ name, does, inForce }) => {
      expect(came.get(`${name} ${does}`)).toEqual([['the lock is lost', inForce], true, inForce])
    },
  )
})

test('[K13] files: given a process of this machine that is stopped for longer than its lease, when other processes want the token, then they wait for it', async () => {
  const place = { kind: 'files', path: await temporaryFolder() } as const
  const child = spawn(
    process.execPath,
    [program, JSON.stringify({ sleeps: [{ place, key: 'me' }], lease: SHORT })],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const store = await opened(place, { lease: SHORT })
  const looks = vi.spyOn(Folder.prototype, 'pulse')
  const seen: unknown[] = []
  const began = performance.now()
  const waiter = store.update('me', async (current, { abandoned }) => {
    seen.push(current?.token?.accessToken, abandoned)
    return undefined
  })
  const list = vi.spyOn(Folder.prototype, 'list')
  await expect
    .poll(() => performance.now() - began > 2 * SHORT && list.mock.calls.length > 6, { timeout: 60_000 })
    .toBe(true)
  expect([seen, looks.mock.calls.length]).toEqual([[], 0])
  child.kill('SIGCONT')
  child.stdin.write('go on\n')
  const [told] = (await once(child.stdout, 'data')) as [Buffer]
  expect(JSON.parse(String(told))).toEqual([['the lock is held', 'access-late']])
  await waiter
  expect(seen).toEqual(['access-late', false])
}, 180_000)
