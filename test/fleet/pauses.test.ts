import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { bundled } from './bundle.ts'
import { opened, places } from './places.ts'

const program = await bundled('sleeper')
const LEASE = 500

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

test.each(rows)(
  '[S4] $name: a process that was stopped for longer than its lease learns it, and $does',
  async ({ make, written, inForce }) => {
    const place = await make()
    const child = spawn(process.execPath, [program, JSON.stringify({ place, lease: LEASE })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    child.kill('SIGSTOP')
    const store = await opened(place, { lease: LEASE })
    let wasAbandoned = false
    await store.update('me', async (_current, { abandoned }) => {
      wasAbandoned = abandoned
      return written === undefined ? undefined : { token: written }
    })
    child.kill('SIGCONT')
    child.stdin.write('go on\n')
    const [told] = (await once(child.stdout, 'data')) as [Buffer]
    expect(JSON.parse(String(told))).toEqual(['the lock is lost', inForce])
    expect(wasAbandoned).toBe(true)
    expect((await store.read('me'))?.token?.accessToken).toBe(inForce)
  },
)
