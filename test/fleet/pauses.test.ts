import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { fileStore } from '../../src/credentials/stores/file.ts'
import { temporaryFolder } from '../support/folder.ts'
import { bundled } from './bundle.ts'

const program = await bundled('sleeper')
const LEASE = 500

test.each([
  ['covers nothing that is newer', { accessToken: 'access-newer' }, 'access-newer'],
  ['keeps what it received, if nothing is newer', undefined, 'access-late'],
])(
  '[S4] a process that was stopped for longer than its lease learns it, and %s',
  async (_, written, inForce) => {
    const path = await temporaryFolder()
    const child = spawn(process.execPath, [program, path, String(LEASE)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    child.kill('SIGSTOP')
    const store = fileStore({ path, lease: LEASE })
    let wasAbandoned = false
    await store.update('me', async (_current, { abandoned }) => {
      wasAbandoned = abandoned
      return written
    })
    child.kill('SIGCONT')
    child.stdin.write('go on\n')
    const [told] = (await once(child.stdout, 'data')) as [Buffer]
    expect(JSON.parse(String(told))).toEqual(['the lock is lost', inForce])
    expect(wasAbandoned).toBe(true)
    expect((await store.read('me'))?.token?.accessToken).toBe(inForce)
  },
)
