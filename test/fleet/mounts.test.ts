import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fileStore } from '../../src/credentials/stores/file.ts'
import { temporaryFolder } from '../support/folder.ts'

const run = promisify(execFile)

const isAble = process.getuid?.() === 0
if (!isAble)
  console.warn('NOT RUN: what a full disk or a read-only mount does to the file store. It takes root.')

/** Mounts something for the length of a test. */
async function mount(...args: string[]): Promise<string> {
  const path = await temporaryFolder()
  await run('mount', [...args, path])
  onTestFinished(async () => {
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
  test('[S5] a disk that is full before the lock is taken is a clear error, and nothing is redeemed', async () => {
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

  test('[S5] a disk that is full when the token is to be written leaves the old record, and no part of the new one', async () => {
    const path = await mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs')
    const store = fileStore({ path })
    await store.update('me', async () => ({ token: old }))
    const update = store.update('me', async () => {
      await fill(path)
      return { token: { accessToken: 'access-new' } }
    })
    await expect(update).rejects.toEqual(failed(/disk is full/u))
    expect((await store.read('me'))?.token).toEqual(old)
    const folder = (await readdir(path)).find((name) => name.startsWith('me-')) ?? ''
    expect((await readdir(join(path, folder))).filter((name) => name.startsWith('draft'))).toEqual([])
  })

  test('[S5] a read-only file system is a clear error, and is read all the same', async () => {
    const path = await mount('-t', 'tmpfs', 'tmpfs')
    const store = fileStore({ path })
    await store.update('me', async () => ({ token: old }))
    await run('mount', ['-o', 'remount,ro', path])
    const update = store.update('me', async () => ({ token: { accessToken: 'access-new' } }))
    await expect(update).rejects.toEqual(failed(/read-only/u))
    await expect(store.delete('me')).rejects.toEqual(failed(/read-only/u))
    expect((await store.read('me'))?.token).toEqual(old)
  })

  test('[S5] a bind mount is the same store', async () => {
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

  test('[S5] root keeps the files of another user that user’s own', async () => {
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
