import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Folder } from '../../src/stores/file/folder.ts'
import { temporaryFolder } from '../support/folder.ts'
import { programOf } from '../support/programs.ts'
import { opened, places } from './places.ts'

const program = programOf('sleeper')
const LEASE = 500

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

const rows = Object.entries(places).flatMap(([name, make]) => [
  {
    name,
    make,
    does: 'covers nothing that is newer',
    written: { accessToken: 'access-newer' },
    inForce: 'access-newer',
  },
  {
    name,
    make,
    does: 'keeps what it received, if nothing is newer',
    written: undefined,
    inForce: 'access-late',
  },
])

test.for(rows)(
  '[S4] $name: a process that was stopped for longer than its lease learns it, and $does',
  async ({ make, written, inForce }, { skip }) => {
    const place = await make()
    const isWrapped = place.kind === 'files'
    if (isWrapped && !isAble && process.env['CI'] === undefined) skip()
    const [command, ...args] = [...(isWrapped ? elsewhere : []), process.execPath, program]
    const child = spawn(command, [...args, JSON.stringify({ place, lease: LEASE })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    const pid = await pidOf(child, isWrapped)
    process.kill(pid, 'SIGSTOP')
    const store = await opened(place, { lease: LEASE })
    let wasAbandoned = false
    await store.update('me', async (_current, { abandoned }) => {
      wasAbandoned = abandoned
      return written && { token: written }
    })
    process.kill(pid, 'SIGCONT')
    child.stdin.write('go on\n')
    const [told] = (await once(child.stdout, 'data')) as [Buffer]
    expect(JSON.parse(String(told))).toEqual(['the lock is lost', inForce])
    expect(wasAbandoned).toBe(true)
    expect((await store.read('me'))?.token?.accessToken).toBe(inForce)
  },
)

test('[K13] files: given a process of this machine that is stopped for longer than its lease, when others ask, then they wait for its token', async () => {
  const place = { kind: 'files', path: await temporaryFolder() } as const
  const child = spawn(process.execPath, [program, JSON.stringify({ place, lease: LEASE })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const store = await opened(place, { lease: LEASE })
  const looks = vi.spyOn(Folder.prototype, 'pulse')
  const seen: unknown[] = []
  const began = performance.now()
  const waiter = store.update('me', async (current, { abandoned }) => {
    seen.push(current?.token?.accessToken, abandoned)
    return undefined
  })
  const list = vi.spyOn(Folder.prototype, 'list')
  await expect
    .poll(() => performance.now() - began > 6 * LEASE && list.mock.calls.length > 6, { timeout: 15_000 })
    .toBe(true)
  expect([seen, looks.mock.calls.length]).toEqual([[], 0])
  child.kill('SIGCONT')
  child.stdin.write('go on\n')
  const [told] = (await once(child.stdout, 'data')) as [Buffer]
  expect(JSON.parse(String(told))).toEqual(['the lock is held', 'access-late'])
  await waiter
  expect(seen).toEqual(['access-late', false])
})
