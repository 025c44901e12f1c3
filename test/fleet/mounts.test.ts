import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FileBackend } from '../../src/stores/file/backend.ts'
import { present } from '../../src/stores/file/failure.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { thisMachine } from '../../src/stores/file/machine.ts'
import { folderName } from '../../src/stores/file/path.ts'
import { temporaryFolder } from '../support/folder.ts'
import { whenGone } from '../support/leash.ts'

const run = promisify(execFile)

const isAble = process.getuid?.() === 0
if (!isAble)
  console.warn('NOT RUN: what a full disk or a read-only mount does to the file store. It takes root.')

/** Mounts something for the length of a test. */
async function mount(...args: string[]): Promise<string> {
  const path = await temporaryFolder()
  await run('mount', [...args, path])
  const isOver = whenGone('umount -l "$0" && rm -rf "$0"', path)
  onTestFinished(async () => {
    isOver()
    await run('umount', [path])
  })
  return path
}

const old = { accessToken: 'access-old', refreshToken: 'refresh-old' }
const failed = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'store_failed', message: expect.stringMatching(message) })

/** Writes until there is no room. */
async function fill(path: string): Promise<void> {
  for (const size of [65_536, 4_096, 1]) {
    const text = 'x'.repeat(size)
    for (let n = 0; await fits(join(path, `fill-${size}-${n}`), text); n++);
  }
}

async function fits(path: string, text: string): Promise<boolean> {
  return writeFile(path, text).then(
    () => true,
    () => false,
  )
}

// CI has to run them.
describe.skipIf(!isAble && process.env['CI'] === undefined)('where something is mounted', () => {
  test('[S5] given a disk that is full before the lock is acquired, then the error is clear, and nothing is redeemed', async () => {
    const path = await mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs')
    const store = fileStore({ path })
    await store.update('me', async () => ({ token: old }))
    await fill(path)
    let isAsked = false
    const update = store.update('me', async () => {
      isAsked = true
      return { token: { accessToken: 'access-new' } }
    })
    await expect(update).rejects.toEqual(failed(/disk is full/u))
    expect([isAsked, (await store.read('me'))?.token]).toEqual([false, old])
  })

  test.each([
    {
      trouble: 'a disk that is full',
      begin: fill,
      end: async (path: string) => {
        for (const name of await readdir(path)) if (name.startsWith('fill')) await rm(join(path, name))
      },
    },
    {
      trouble: 'a file system that is read-only',
      begin: async (path: string) => void (await run('mount', ['-o', 'remount,ro', path])),
      end: async (path: string) => void (await run('mount', ['-o', 'remount,rw', path])),
    },
    {
      trouble: 'a folder that was removed',
      begin: async (path: string) => rm(join(path, folderName('me')), { recursive: true }),
      end: async () => undefined,
    },
  ])(
    '[S5, S9] given $trouble when the token is to be written, then the old record is intact, and the token is written after that',
    async ({ begin, end }) => {
      const path = await mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs')
      const backend = new FileBackend({ path, lease: 10_000, machine: thisMachine })
      const store = fileStore({ path })
      await store.update('me', async () => ({ token: old }))
      const lock = await backend.lockWaiter('me', undefined).tryLock()
      if (typeof lock !== 'object') throw new Error('no lock')
      await begin(path)
      const files = await present(readdir(join(path, folderName('me'))))
      const token = { accessToken: 'access-new', refreshToken: 'r'.repeat(9_000) }
      const tries = files === undefined ? 0 : 3
      for (let n = 0; n < tries; n++) {
        const failure: unknown = await lock.write({ token }).catch((error: unknown) => backend.explain(error))
        expect(failure).toEqual(failed(/disk is full|read-only/u))
        expect((await store.read('me'))?.token).toEqual(old)
        expect(await readdir(join(path, folderName('me')))).toEqual(files)
      }
      await end(path)
      const { record, hasVanished } = await lock.write({ token })
      expect([record.token, hasVanished, await store.read('me')]).toEqual([
        token,
        files === undefined,
        record,
      ])
      await expect(store.update('me', async () => ({ token: old }))).resolves.toMatchObject({ token: old })
    },
  )

  test('[S5] given a read-only file system, then a write fails with a clear error, and reads succeed', async () => {
    const path = await mount('-t', 'tmpfs', 'tmpfs')
    const store = fileStore({ path })
    await store.update('me', async () => ({ token: old }))
    await run('mount', ['-o', 'remount,ro', path])
    const update = store.update('me', async () => ({ token: { accessToken: 'access-new' } }))
    await expect(update).rejects.toEqual(failed(/read-only\. Mount it writable/u))
    await expect(store.delete('me')).rejects.toEqual(failed(/read-only/u))
    expect((await store.read('me'))?.token).toEqual(old)
  })

  test('[S5] given a bind mount of the folder, then it is the same store', async () => {
    const real = await temporaryFolder()
    const bound = await mount('--bind', real)
    const [one, other] = [fileStore({ path: real }), fileStore({ path: bound })]
    const count = async (store: typeof one): Promise<void> => {
      for (let n = 0; n < 20; n++) {
        await store.update('me', async (current) => ({
          token: { accessToken: String(Number(current?.token?.accessToken ?? 0) + 1) },
        }))
      }
    }
    await Promise.all([count(one), count(other)])
    expect((await one.read('me'))?.token).toEqual({ accessToken: '40' })
  })

  test('[S5] given root in the folder of another user, then the files still belong to that user', async () => {
    const path = await temporaryFolder()
    await run('chown', ['65534:65534', path])
    await mkdir(join(path, 'theirs'))
    await fileStore({ path: join(path, 'theirs') }).update('me', async () => ({ token: old }))
    const [folder = ''] = await readdir(join(path, 'theirs'))
    await run('chown', ['-R', '65534:65534', path])
    await fileStore({ path: join(path, 'theirs') }).update('me', async () => ({
      token: { accessToken: 'access-new' },
    }))
    const { stdout } = await run('find', [join(path, 'theirs', folder), '-not', '-uid', '65534'])
    expect(stdout).toBe('')
    const names = await readdir(join(path, 'theirs', folder))
    const record = names.find((name) => name.startsWith('record')) ?? ''
    expect(await readFile(join(path, 'theirs', folder, record), 'utf8')).toContain('access-new')
  })
})
