import { mkdir, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { encodeRecord } from '../../src/credential/record/record-format.ts'
import type { RecordContent } from '../../src/credential/store.ts'
import { tombstone } from '../../src/credential/tombstone.ts'
import { FileBackend } from '../../src/stores/file/backend.ts'
import { Folder } from '../../src/stores/file/folder.ts'
import { type Machine, thisMachine } from '../../src/stores/file/machine.ts'
import { folderName } from '../../src/stores/file/path.ts'
import type { Lock } from '../../src/stores/shared/lock.ts'
import { temporaryFolder } from '../support/folder.ts'

const content = (name: string, more: Partial<RecordContent> = {}): RecordContent => ({
  ...more,
  token: { accessToken: name, refreshToken: `refresh-${name}` },
})
const DAY = 86_400_000
const UUID = '00000000-0000-4000-8000-000000000000'

interface Place {
  readonly path: string
  readonly folder: string
  readonly backend: FileBackend
  /** The same folder, as another process of this machine sees it, or one of another machine. */
  readonly seenBy: (machine: Partial<Machine>, lease?: number) => FileBackend
}

async function place(): Promise<Place> {
  const path = join(await temporaryFolder(), 'store')
  const seenBy = (machine: Partial<Machine>, lease = DAY): FileBackend =>
    new FileBackend({ path, lease, machine: async () => ({ ...(await thisMachine()), ...machine }) })
  return { path, folder: join(path, folderName('me')), backend: seenBy({}), seenBy }
}

/** A process that ended. */
const DEAD = { pid: 2 ** 22, start: 'its start' }
/** A process that sees that it ended. */
const SURVIVOR = { startOf: async () => null }

async function lockOf(backend: FileBackend, known?: number): Promise<Lock> {
  const lock = await tryOften(backend, known)
  if (typeof lock !== 'object') throw new Error(`no lock: ${lock}`)
  return lock
}

/** A contender may have to look again, because it has changed something itself. */
async function tryOften(
  backend: FileBackend,
  known?: number,
): ReturnType<ReturnType<FileBackend['lockWaiter']>['tryLock']> {
  const contender = backend.lockWaiter('me', known)
  for (let tries = 0; tries < 5; tries++) {
    const got = await contender.tryLock()
    if (got !== 0) return got
  }
  return 0
}

async function written(backend: FileBackend, record: RecordContent): Promise<number> {
  return (await (await lockOf(backend)).write(record)).record.revision
}

test('[S9] given a held lock, when a login replaces the record, then the login does not wait, and the holder’s later write does not replace it', async () => {
  const { backend } = await place()
  await written(backend, content('old', { session: 1 }))
  const lock = await lockOf(backend)
  const login = await backend.replace('me', (current) =>
    content('login', { session: (current?.session ?? 0) + 1 }),
  )
  expect(login).toMatchObject({ session: 2, token: { accessToken: 'login' } })
  expect(await lock.renew()).toBe(true)
  const { record, hasVanished } = await lock.write(content('late', { session: 1 }))
  expect([record, hasVanished]).toEqual([login, false])
  expect(await backend.read('me')).toEqual(login)
  const next = await lockOf(backend)
  expect(next.current).toEqual(login)
  expect((await next.write(content('next'))).record.revision).toBeGreaterThan(login.revision)
})

test('[S9] given a held lock and a replaced record, when other processes want the lock, then the holder keeps it, and processes that know an older record get `newer`', async () => {
  const { backend } = await place()
  const known = await written(backend, content('old'))
  const lock = await lockOf(backend)
  await backend.replace('me', tombstone)
  expect(await backend.lockWaiter('me', undefined).tryLock()).toBeTypeOf('number')
  expect(await backend.lockWaiter('me', known).tryLock()).toBe('newer')
  await lock.release(false)
  const next = await lockOf(backend)
  expect([next.abandoned, next.current]).toMatchObject([false, { token: undefined, session: 1 }])
})

test('[S9] given a replacement that has read the record, when another write comes between, then the change runs again on the new record', async () => {
  const { path, backend } = await place()
  await written(backend, content('old'))
  const lock = await lockOf(backend)
  let isFirst = true
  const onStep = async (step: string): Promise<void> => {
    if (step === 'replace_linked' || !step.startsWith('replace_drafted') || !isFirst) return
    isFirst = false
    await lock.write(content('refreshed'))
  }
  const slow = new FileBackend({ path, lease: DAY, machine: thisMachine, onStep })
  const seen: (string | undefined)[] = []
  const replaced = await slow.replace('me', (current) => {
    seen.push(current?.token?.accessToken)
    return tombstone(current)
  })
  expect(seen).toEqual(['old', 'refreshed'])
  expect(await backend.read('me')).toEqual(replaced)
})

test('[S9] given a lock that is acquired while a login is published, then their numbers differ', async () => {
  const { path, backend } = await place()
  await written(backend, content('old'))
  let lock: Lock | undefined
  const onStep = async (step: string): Promise<void> => {
    if (step === 'replace_drafted') lock ??= await lockOf(backend)
  }
  const slow = new FileBackend({ path, lease: DAY, machine: thisMachine, onStep })
  const login = await slow.replace('me', () => content('login'))
  const { record } = (await lock?.write(content('late'))) ?? {}
  expect(record).toEqual(login)
  expect(await backend.read('me')).toEqual(login)
})

test('[S9, K13] given a login that another process has seen and redeemed before its publisher knows that it succeeded, then the redeemed token stays', async () => {
  const { path, backend } = await place()
  await written(backend, content('old', { session: 1 }))
  let changes = 0
  const onStep = async (step: string): Promise<void> => {
    if (step !== 'replace_linked') return
    const lock = await lockOf(backend)
    expect(lock.current?.token?.accessToken).toBe('login')
    await lock.write({ ...lock.current, ...content('redeemed') })
  }
  const slow = new FileBackend({ path, lease: DAY, machine: thisMachine, onStep })
  await slow.replace('me', (current) => {
    changes++
    return content('login', { session: (current?.session ?? 0) + 1 })
  })
  expect(changes).toBe(1)
  expect(await backend.read('me')).toMatchObject({ session: 2, token: { accessToken: 'redeemed' } })
})

test('[S9] given a process that is stopped just before it publishes a login, when many others hold the lock meanwhile, then none of their records outranks the login', async () => {
  const { path, backend } = await place()
  await written(backend, content('old', { session: 1 }))
  let last: Lock | undefined
  const onStep = async (step: string): Promise<void> => {
    if (step !== 'replace_looked' || last !== undefined) return
    for (let n = 0; n < 40; n++) await (await lockOf(backend)).release(false)
    last = await lockOf(backend)
  }
  const stopped = new FileBackend({ path, lease: DAY, machine: thisMachine, onStep })
  const login = await stopped.replace('me', () => content('login', { session: 2 }))
  const { record } = (await last?.write(content('late', { session: 1 }))) ?? {}
  expect(record).toEqual(login)
  expect(await backend.read('me')).toEqual(login)
})

test('[S9] given a folder that was emptied or removed, when the holder renews, then it has the lock again, and other processes wait', async () => {
  for (const remove of [
    (folder: string) => rm(folder, { recursive: true }),
    async (folder: string) => {
      for (const name of await readdir(folder)) await unlink(join(folder, name))
    },
  ]) {
    const { folder, backend, seenBy } = await place()
    await written(backend, content('old'))
    const lock = await lockOf(backend)
    await remove(folder)
    expect(await lock.renew()).toBe(true)
    expect(await seenBy({}).lockWaiter('me', undefined).tryLock()).toBeTypeOf('number')
    const { record, hasVanished } = await lock.write(content('new'))
    expect([record.token?.accessToken, hasVanished]).toEqual(['new', true])
    expect((await backend.read('me'))?.token?.accessToken).toBe('new')
    await expect(lockOf(backend)).resolves.toMatchObject({ abandoned: false })
  }
})

test('[S9] given a folder that was removed, when another process has acquired the lock meanwhile, then the holder learns that its lock is lost', async () => {
  const { folder, backend } = await place()
  const lock = await lockOf(backend)
  await rm(folder, { recursive: true })
  const other = await lockOf(backend)
  expect(await lock.renew()).toBe(false)
  expect(await other.renew()).toBe(true)
})

test('[S9] given a store whose folder was removed, when an unsaved token is written, then the store’s folder and the account’s are made again', async () => {
  const { path, backend } = await place()
  await written(backend, content('old'))
  const lock = await lockOf(backend)
  await rm(path, { recursive: true })
  const { record, hasVanished } = await lock.write(content('new'))
  expect([record.token?.accessToken, hasVanished]).toEqual(['new', true])
  expect((await lockOf(backend)).current).toEqual(record)
})

test('[S9] given a process that knows a record, when the store has none, then it waits a lease, so that the holder of an unsaved token writes first', async () => {
  const { folder, backend, seenBy } = await place()
  const known = await written(backend, content('old'))
  const lock = await lockOf(backend)
  await rm(folder, { recursive: true })
  const contender = seenBy({}, 300).lockWaiter('me', known)
  let time = 1_000
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => time)
  try {
    for (const passed of [0, 100, 100]) {
      time += passed
      expect(await contender.tryLock()).toBe(60)
    }
    await lock.write(content('new'))
    time += 100
    expect(await contender.tryLock()).toBe('newer')
    await rm(folder, { recursive: true })
    const next = seenBy({}, 300).lockWaiter('me', known)
    for (const passed of [100, 100, 100]) {
      expect(await next.tryLock()).toBe(60)
      time += passed
    }
    expect(await next.tryLock()).toBeTypeOf('object')
  } finally {
    clock.mockRestore()
  }
})

test('given a folder that was removed and made again, then its numbers are above all that processes remember', async () => {
  const { folder, backend, seenBy } = await place()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const seconds = Math.floor(Date.now() / 1000)
  await writeFile(join(folder, `record-${seconds}.json`), encodeRecord('me', content('old')))
  // A folder of an earlier version counts on from where it is.
  expect(await written(backend, content('1'))).toBe(seconds + 1)
  await rm(folder, { recursive: true })
  const began = Date.now()
  const revision = await written(backend, content('2'))
  expect(revision).toBeGreaterThan(began)

  // The clock may be behind what this process remembers.
  await rm(folder, { recursive: true })
  const known = revision + DAY
  const contender = seenBy({}, 1_000).lockWaiter('me', known)
  let time = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += 500))
  let got = await contender.tryLock()
  for (let tries = 0; typeof got === 'number' && tries < 20; tries++) got = await contender.tryLock()
  clock.mockRestore()
  if (typeof got !== 'object') throw new Error('no lock')
  expect((await got.write(content('3'))).record.revision).toBeGreaterThan(known)
})

test('[E1] given a number that no number can follow, then every operation fails with a clear error before it changes anything', async () => {
  for (const name of [
    'lock-999999999999999',
    'lock-999999999999999.released',
    'record-999999999999999.json',
    'record-9007199254740992.json',
    'lock-9007199254740991',
    'record-9999999999999999.json',
  ]) {
    const { folder, backend } = await place()
    await written(backend, content('old'))
    await writeFile(join(folder, name), encodeRecord('me', content('planted')))
    const refusal = {
      code: 'store_invalid',
      message: expect.stringMatching(/has a number that .*: move it away/u),
    }
    const change = vi.fn<() => RecordContent>()
    await expect(backend.read('me')).rejects.toMatchObject(refusal)
    await expect(backend.lockWaiter('me', undefined).tryLock()).rejects.toMatchObject(refusal)
    await expect(backend.replace('me', change)).rejects.toMatchObject(refusal)
    expect(change).not.toHaveBeenCalled()
    await unlink(join(folder, name))
    expect(await written(backend, content('new'))).toBeLessThan(1e14)
  }
})

test('[S10] given a lock whose release could not be marked, then its own process ignores the lock at once, and other processes learn of the release later', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  try {
    for (const abandoned of [false, true]) {
      const { backend, seenBy } = await place()
      const lock = await lockOf(backend)
      const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
      const failing = vi.spyOn(Folder.prototype, abandoned ? 'publish' : 'mark').mockRejectedValue(full)
      await expect(lock.release(abandoned)).rejects.toBe(full)
      await vi.advanceTimersByTimeAsync(10_000)
      failing.mockRestore()
      const next = await lockOf(backend)
      expect(next.abandoned).toBe(abandoned)
      await next.release(false)
      expect(
        await seenBy({ startOf: async () => (await thisMachine()).start })
          .lockWaiter('me', undefined)
          .tryLock(),
      ).toBeTypeOf('object')
    }
  } finally {
    vi.useRealTimers()
  }
})

test('[S10] given a lock whose release was marked at a later try, then another process acquires it', async () => {
  const { path, folder, backend } = await place()
  const lock = await lockOf(backend)
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
  vi.spyOn(Folder.prototype, 'mark').mockRejectedValueOnce(full)
  await expect(lock.release(false)).rejects.toBe(full)
  await expect.poll(() => readdir(folder)).toContainEqual(expect.stringMatching(/\.released$/u))
  expect(await readdir(path)).toHaveLength(1)
})

test('[S10] given a lock that was released while a request that redeems may be on its way, then the next holders are told, until a token is written', async () => {
  const { backend } = await place()
  await written(backend, content('old'))
  await (await lockOf(backend)).release(true)
  const next = await lockOf(backend)
  expect(next.abandoned).toBe(true)
  await next.release(false)
  const third = await lockOf(backend)
  expect(third.abandoned).toBe(true)
  const failure = { code: 'source_refused', terminal: false, at: 1, abandoned: true } as const
  await third.write({ ...content('old'), failure })
  const fourth = await lockOf(backend)
  expect(fourth.abandoned).toBe(true)
  await fourth.write(content('new'))
  expect((await lockOf(backend)).abandoned).toBe(false)
})

test('[S10] given an abandoned lock, when a logout replaces the record, then later holders are not told any more', async () => {
  const { backend } = await place()
  await (await lockOf(backend)).release(true)
  await backend.replace('me', tombstone)
  expect((await lockOf(backend)).abandoned).toBe(false)
})

/** A holder that vanished, and what it left in the folder. */
async function left(
  drafts: (number: number) => Readonly<Record<string, string>>,
): Promise<Place & { readonly number: number }> {
  const made = await place()
  await written(made.backend, content('old'))
  await lockOf(made.seenBy(DEAD))
  const held = (await readdir(made.folder)).find((name) => /^lock-\d+$/u.test(name))
  const number = Number(held?.slice(5))
  for (const [name, text] of Object.entries(drafts(number))) await writeFile(join(made.folder, name), text)
  return { ...made, number }
}

test.each<[string, (number: number) => Readonly<Record<string, string>>, string, boolean]>([
  [
    'is complete',
    (n) => ({ [`draft-record-${n}-1-${UUID}`]: encodeRecord('me', content('new')) }),
    'new',
    false,
  ],
  [
    'is one of several tries',
    (n) => ({
      [`draft-record-${n}-2-${UUID}`]: encodeRecord('me', content('second')),
      [`draft-record-${n}-10-${UUID}`]: encodeRecord('me', content('tenth')),
      [`draft-record-${n}-11-${UUID}`]: encodeRecord('me', content('eleventh')).slice(0, 60),
    }),
    'tenth',
    false,
  ],
  [
    'is an earlier version’s',
    (n) => ({ [`draft-${n}-${UUID}`]: encodeRecord('me', content('new')) }),
    'new',
    false,
  ],
  [
    'is cut short',
    (n) => ({ [`draft-record-${n}-1-${UUID}`]: encodeRecord('me', content('new')).slice(0, -3) }),
    'old',
    true,
  ],
  [
    'is another account’s',
    (n) => ({ [`draft-record-${n}-1-${UUID}`]: encodeRecord('you', content('new')) }),
    'old',
    true,
  ],
  [
    'is of another number',
    (n) => ({ [`draft-record-${n - 1}-1-${UUID}`]: encodeRecord('me', content('new')) }),
    'old',
    true,
  ],
  [
    'is a login’s',
    (n) => ({ [`draft-replace-${n}-1-${UUID}`]: encodeRecord('me', content('new')) }),
    'old',
    true,
  ],
  [
    'is of a lock that was released',
    (n) => ({
      [`draft-record-${n}-1-${UUID}`]: encodeRecord('me', content('new')),
      [`lock-${n}.released`]: '',
    }),
    'old',
    false,
  ],
])('[S4] given a holder that vanished, and its draft that %s', async (_, drafts, expected, abandoned) => {
  const { folder, seenBy } = await left(drafts)
  const lock = await lockOf(seenBy(SURVIVOR))
  expect([lock.current?.token?.accessToken, lock.abandoned]).toEqual([expected, abandoned])
  expect((await readdir(folder)).filter((name) => name.startsWith('draft'))).toEqual(
    expected === 'old' && !abandoned ? [] : expect.any(Array),
  )
  const { record } = await lock.write(content('next'))
  await (await lockOf(seenBy(SURVIVOR))).release(false)
  expect([
    record.token?.accessToken,
    (await readdir(folder)).filter((name) => name.startsWith('draft-record')),
  ]).toEqual(['next', []])
})

test('[S4] given a draft that another process published, when its writer goes on and writes the same record, then it gets that record as the one in force', async () => {
  const made = await place()
  await written(made.backend, content('old'))
  const sleeper = await lockOf(made.seenBy({ ...DEAD, namespace: 'pid:[1]' }))
  const number = Number((await readdir(made.folder)).find((name) => /^lock-\d+$/u.test(name))?.slice(5))
  await writeFile(join(made.folder, `draft-record-${number}-1-${UUID}`), encodeRecord('me', content('new')))
  const contender = made.seenBy({}, 1).lockWaiter('me', undefined)
  let got = await contender.tryLock()
  for (let tries = 0; typeof got === 'number' && tries < 100; tries++) got = await contender.tryLock()
  expect(got).toMatchObject({ abandoned: false, current: { token: content('new').token } })
  expect(await sleeper.renew()).toBe(false)
  expect((await sleeper.write(content('new'))).record).toMatchObject({
    revision: number,
    token: content('new').token,
  })
})

test('[S4] given a stopped holder, then it keeps its lock on this machine, and only for its lease on another one', async () => {
  for (const [namespace, isKept] of [
    [(await thisMachine()).namespace, true],
    ['pid:[1]', false],
  ] as const) {
    const { seenBy } = await place()
    await lockOf(seenBy({ ...DEAD, namespace }))
    const contender = seenBy(
      { startOf: async () => DEAD.start, isStopped: async () => true },
      1_000,
    ).lockWaiter('me', undefined)
    let time = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += 400))
    let got = await contender.tryLock()
    for (let tries = 0; typeof got === 'number' && tries < 150; tries++) got = await contender.tryLock()
    clock.mockRestore()
    expect(typeof got === 'object').toBe(!isKept)
  }
})

test('[S6] given members that this version does not know, then they stay in every record that is written, under a lock or without one', async () => {
  const { folder, backend } = await place()
  const later = { ...content('1'), later: { a: [1] }, triedSeeds: ['00:11'] }
  await written(backend, later)
  const replaced = await backend.replace('me', tombstone)
  expect(replaced).toMatchObject({ token: undefined, session: 1, triedSeeds: ['00:11'], later: { a: [1] } })
  const name = (await readdir(folder)).find((one) => one.startsWith('record')) ?? ''
  expect(JSON.parse(await readFile(join(folder, name), 'utf8'))).toMatchObject({
    token: null,
    later: { a: [1] },
  })
})
