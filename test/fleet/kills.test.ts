import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { fileStore } from '../../src/credentials/stores/file.ts'
import { temporaryFolder } from '../support/folder.ts'
import { bundled } from './bundle.ts'

const program = await bundled('victim')
const old = { accessToken: 'access-old', refreshToken: 'refresh-old' }
const fresh = { accessToken: 'access-new', refreshToken: 'refresh-new' }

/** Lets a process update the store, and kills it at a step. */
async function killAt(step: string, path: string, key: string): Promise<void> {
  const child = spawn(process.execPath, [program, path, key, step], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  expect(String(line).trim()).toBe(step)
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  expect(await exit).toEqual([null, 'SIGKILL'])
}

// Where it is killed, whether the next is told that somebody vanished, and what it finds.
test.each([
  ['wanted', false, old],
  ['lock_drafted', false, old],
  ['lock_linked', true, old],
  ['locked', true, old],
  ['redeemed', true, old],
  ['changed', true, old],
  ['record_drafted', true, old],
  ['record_linked', false, fresh],
  ['released', false, fresh],
  ['acknowledged', false, fresh],
])(
  '[S4] a process that is killed at the step %s, 50 times, leaves a store that is whole and free',
  async (step, abandoned, left) => {
    const path = await temporaryFolder()
    const store = fileStore({ path })
    const kill = async (key: string): Promise<void> => {
      await store.update(key, async () => old)
      await killAt(step, path, key)
      expect((await store.read(key))?.token).toEqual(left)
      const began = performance.now()
      const seen = { abandoned: false, token: undefined as unknown }
      const { token } = await store.update(key, async (current, lock) => {
        Object.assign(seen, { abandoned: lock.abandoned, token: current?.token })
        return { accessToken: 'access-next' }
      })
      expect(performance.now() - began).toBeLessThan(3_000)
      expect(seen).toEqual({ abandoned, token: left })
      expect(token).toEqual({ accessToken: 'access-next' })
    }
    for (let round = 0; round < 25; round++) await Promise.all([kill(`a${round}`), kill(`b${round}`)])
  },
  60_000,
)
