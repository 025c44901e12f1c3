import { chmod, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import type { Store } from '../../src/index.ts'
import { FileBackend } from '../../src/stores/file/backend.ts'
import { fileStore, inspectFileStore } from '../../src/stores/file/index.ts'
import { type Machine, thisMachine } from '../../src/stores/file/machine.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import { temporaryFolder } from '../support/folder.ts'

const token = (name: string): { accessToken: string; refreshToken: string } => ({
  accessToken: `access-${name}`,
  refreshToken: `refresh-${name}`,
})
const content = (name: string): { token: ReturnType<typeof token> } => ({ token: token(name) })
const code = (expected: string, message = /./): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) })

/** The folder of the one account that is in a store. */
async function accountFolder(path: string): Promise<string> {
  const [name = ''] = await readdir(path)
  return join(path, name)
}

async function filesOf(path: string, pattern: RegExp): Promise<string[]> {
  const folder = await accountFolder(path)
  const names = await readdir(folder)
  return names.filter((name) => pattern.test(name)).map((name) => join(folder, name))
}

/** A store as it would be on another machine, or in another process of this one. */
function storeOn(machine: Partial<Machine>, path: string, lease = 10_000): Store {
  const elsewhere = async (): Promise<Machine> => ({ ...(await thisMachine()), ...machine })
  return new ExclusiveStore(new FileBackend({ path, lease, machine: elsewhere }), { lease, timeout: 10_000 })
}

/** Takes the lock, and is never heard of again. */
async function vanish(store: Store, key = 'me'): Promise<void> {
  await new Promise<void>((resolve) => {
    const never = store.update(key, () => {
      resolve()
      return new Promise(() => undefined)
    })
    never.catch(() => undefined)
  })
}

test('[S5] given a new store, then its folders are 0700 and its files 0600, and an open folder is closed', async () => {
  const path = join(await temporaryFolder(), 'deep', 'er')
  const store = fileStore({ path })
  await store.update('me@example.com', async () => content('1'))
  const folder = await accountFolder(path)
  expect(folder).toMatch(/me-example-com-[\da-f]{16}$/u)
  await chmod(folder, 0o755)
  await store.update('me@example.com', async () => content('2'))
  const modes = async (...paths: string[]): Promise<string[]> =>
    Promise.all(paths.map(async (one) => ((await stat(one)).mode & 0o777).toString(8)))
  expect(new Set(await modes(path, folder))).toEqual(new Set(['700']))
  const names = await readdir(folder)
  expect(new Set(await modes(...names.map((name) => join(folder, name))))).toEqual(new Set(['600']))
  expect(names.toSorted().map((name) => name.replace(/\d+/u, 'N'))).toEqual([
    'lock-N',
    'lock-N.released',
    'origin',
    'record-N.json',
  ])
})

test('[S5] given a symbolic link to the folder, then the store works', async () => {
  const real = await temporaryFolder()
  const link = join(await temporaryFolder(), 'link')
  await symlink(real, link)
  await fileStore({ path: link }).update('me', async () => content('1'))
  expect((await fileStore({ path: real }).read('me'))?.token).toMatchObject(token('1'))
})

test('[S5] given a link that leads nowhere, then the error is clear', async () => {
  const link = join(await temporaryFolder(), 'link')
  await symlink('/nonexistent/folder', link)
  const updated = fileStore({ path: link }).update('me', async () => content('1'))
  await expect(updated).rejects.toEqual(code('store_failed', /link/u))
})

test('[S5] given a file in the place of the folder, then the error is clear', async () => {
  const path = join(await temporaryFolder(), 'file')
  await writeFile(path, 'mine')
  const updated = fileStore({ path }).update('me', async () => content('1'))
  await expect(updated).rejects.toEqual(code('store_failed', /no folder/u))
  expect(await readFile(path, 'utf8')).toBe('mine')
})

test('[S5] given files with any times, then the store works', async () => {
  const path = await temporaryFolder()
  const store = fileStore({ path })
  for (const hours of [4, -100_000, 500_000]) {
    await store.update('me', async () => content(String(hours)))
    const time = new Date(Date.now() + hours * 3_600_000)
    for (const file of await filesOf(path, /./u)) await utimes(file, time, time)
    expect((await store.read('me'))?.token).toMatchObject(token(String(hours)))
  }
})

test.each([
  ['is damaged', (text: string) => text.slice(0, 40)],
  ['is empty', () => ''],
  ['is of another program', () => '{"access_token":"x"}'],
  ['is of a later version', (text: string) => text.replace('"version":1', '"version":2')],
  ['is of another account', (text: string) => text.replace('"key":"me"', '"key":"you"')],
  ['holds no token', (text: string) => text.replaceAll('accessToken', 'nothing')],
])('[S6] given a record that %s, then the error is clear, and the record stays', async (_, damage) => {
  const path = await temporaryFolder()
  const store = fileStore({ path })
  await store.update('me', async () => content('1'))
  const [record = ''] = await filesOf(path, /^record/u)
  const foreign = damage(await readFile(record, 'utf8'))
  await writeFile(record, foreign)
  let isAsked = false
  const change = async (): Promise<ReturnType<typeof content>> => {
    isAsked = true
    return content('2')
  }
  const invalid = code('store_invalid', /record-\d+\.json .* move it away, and log in again/u)
  await expect(store.read('me')).rejects.toEqual(invalid)
  await expect(store.update('me', change)).rejects.toEqual(invalid)
  expect([isAsked, await readFile(record, 'utf8')]).toEqual([false, foreign])
  const [entry] = await inspectFileStore({ path })
  expect(entry).toMatchObject({ state: 'unreadable', problem: invalid })

  await rm(record)
  expect((await store.update('me', change)).token).toMatchObject(token('2'))
})

test('[S6] given files of other programs in the folder, then the store neither reads nor removes them', async () => {
  const path = await temporaryFolder()
  const store = fileStore({ path })
  await store.update('me', async () => content('1'))
  const folder = await accountFolder(path)
  const foreign = ['notes.txt', 'record-1.json', 'lock-1', 'record-x.json', 'lock-99999999999999999']
  for (const name of foreign) await writeFile(join(folder, name), 'mine')
  await store.update('me', async () => content('2'))
  for (const name of foreign) expect(await readFile(join(folder, name), 'utf8')).toBe('mine')
  expect((await store.read('me'))?.token).toMatchObject(token('2'))
})

test('given a folder that was removed and made again, then its revisions go on rising', async () => {
  const path = await temporaryFolder()
  const store = fileStore({ path })
  const { revision } = await store.update('me', async () => content('1'))
  const folder = await accountFolder(path)
  await rm(folder, { recursive: true })
  expect(await store.read('me')).toBeUndefined()
  expect((await store.update('me', async () => content('2'))).revision).toBeGreaterThanOrEqual(revision)
})

test('given files that a holder left behind, then the next holder removes them', async () => {
  const path = await temporaryFolder()
  const store = fileStore({ path })
  await store.update('me', async () => content('1'))
  const folder = await accountFolder(path)
  await writeFile(join(folder, 'draft-1-00000000-0000-4000-8000-000000000000'), 'access-lost')
  await store.update('me', async () => content('2'))
  expect(await filesOf(path, /^draft/u)).toEqual([])
  expect(await filesOf(path, /^record/u)).toHaveLength(1)
})

test('[S5] given a holder in another container, whose process cannot be seen, then it does not count as gone', async () => {
  const path = await temporaryFolder()
  const gone = { pid: 2 ** 22, startOf: async () => null, start: '1' }
  await vanish(storeOn({ ...gone, namespace: 'pid:[1]' }, path))
  let isIn = false
  const waiter = storeOn({}, path, 600).update('me', async (_, { abandoned }) => {
    isIn = true
    return content(String(abandoned))
  })
  // It holds no longer than its lease: the first store's heartbeat is at 2,000 ms, beyond the 600 that this waiter gives it.
  expect(isIn).toBe(false)
  expect((await waiter).token).toMatchObject(token('true'))
})

test.each([
  ['is not there any more', { startOf: async () => null }],
  ['has the number of a later one', { startOf: async () => 'a later start' }],
])('given a holder whose process %s, then it counts as gone at once', async (_, machine) => {
  const path = await temporaryFolder()
  await vanish(storeOn({ pid: 2 ** 22, start: 'its start' }, path))
  const { token: written } = await storeOn(machine, path, 3_600_000).update('me', async (_current, lock) =>
    content(String(lock.abandoned)),
  )
  expect(written).toMatchObject(token('true'))
})

test('given a holder that vanished, then the next holders are told until a record is written', async () => {
  const path = await temporaryFolder()
  const after = storeOn({ startOf: async () => null }, path)
  await vanish(storeOn({ pid: 2 ** 22 }, path))
  const told: boolean[] = []
  const next = (write: boolean): Promise<unknown> =>
    after.update('me', async (_, { abandoned }) => {
      told.push(abandoned)
      return write ? content('1') : undefined
    })
  for (const write of [false, true, true]) await next(write)
  expect(told).toEqual([true, true, false])
})

test('[S4] given a holder that writes after its lease, then its record replaces no newer one, and is kept if there is none', async () => {
  for (const hasWritten of [true, false]) {
    const path = await temporaryFolder()
    let finish = (): void => undefined
    const paused = new Promise<void>((resolve) => (finish = resolve))
    let outstay: Promise<unknown> = Promise.resolve()
    const isLost = await new Promise<() => boolean>((resolve) => {
      outstay = storeOn({ pid: 2 ** 22 }, path).update('me', async (_, { signal, confirm }) => {
        resolve(() => signal.aborted)
        await paused
        await confirm?.().catch(() => undefined)
        return content('late')
      })
    })
    await storeOn({ startOf: async () => null }, path).update('me', async () =>
      hasWritten ? content('newer') : undefined,
    )
    finish()
    const expected = token(hasWritten ? 'newer' : 'late')
    expect(await outstay).toMatchObject({ token: expected })
    expect((await fileStore({ path }).read('me'))?.token).toMatchObject(expected)
    expect(isLost()).toBe(false)
  }
})

test('given a store, when it is printed or inspected, then no secret is shown', async () => {
  const path = await temporaryFolder()
  const store = fileStore({ path })
  await store.update('me', async () => ({ token: { ...token('1'), expiresAt: 1_893_456_000_000 } }))
  await store.update('gone', async () => content('2'))
  await store.delete('gone')
  await mkdir(join(path, 'empty'))
  await writeFile(join(path, 'a file'), 'mine')
  await vanish(store, 'held')
  const entries = await inspectFileStore({ path })
  expect(entries.map(({ key, state, canRefresh }) => [key, state, canRefresh])).toEqual([
    [undefined, 'empty', false],
    ['gone', 'logged_out', false],
    [undefined, 'empty', false],
    ['me', 'stored', true],
  ])
  expect(entries[2]?.holder).toMatchObject({ pid: process.pid, isGone: false })
  expect(entries[3]).toMatchObject({ expiresAt: 1_893_456_000_000, holder: undefined, problem: undefined })
  expect(inspect([entries, store], { depth: 9, showHidden: true })).not.toMatch(/access-\d|refresh-\d/u)
})

test.each([
  [{ path: '' }, /'path' must be the path of a folder/u],
  [{ path: 7 } as unknown as { path: string }, /'path' must be the path of a folder/u],
  [{ lease: 1 }, /'lease' must be ms from 100, not 1/u],
  [{ timeout: 0 }, /'timeout' must be ms from 1, not 0/u],
  [{ path: '/tmp', maxLocks: 0 }, /'maxLocks' must be a whole number from 1, not 0/u],
  [{ path: '/tmp', maxLocks: 1.5 }, /'maxLocks' must be a whole number from 1, not 1.5/u],
  [
    { path: '/tmp', trustParent: 1 } as unknown as { path: string },
    /'trustParent' must be true or false, not 1/u,
  ],
  [{ trustParent: true }, /'trustParent' must come with a path/u],
  [{ folder: '/tmp' } as unknown as { path: string }, /'folder' does not exist; there are path/u],
])('given invalid options, then fileStore() throws a clear error', (options, message) => {
  expect(() => fileStore(options)).toThrow(message)
})
