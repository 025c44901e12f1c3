import { once } from 'node:events'
import { chmod, chown, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { FileBackend } from '../../src/stores/file/backend.ts'
import { fileStore, inspectFileStore } from '../../src/stores/file/index.ts'
import { thisMachine } from '../../src/stores/file/machine.ts'
import { folderName } from '../../src/stores/file/path.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import { temporaryFolder } from '../support/folder.ts'
import { as, give, mustSkip, NEIGHBOUR, neighbour, neighbourDoes, OWNER } from '../support/users.ts'

const content = (name: string): { token: { accessToken: string } } => ({ token: { accessToken: name } })
const refused = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })
const account = folderName('me')

/** A folder that all users can reach, and nobody but root can write to. */
async function publicFolder(): Promise<string> {
  const path = await temporaryFolder()
  await chmod(path, 0o755)
  return path
}

/** A store of the owner's with a record in it. */
async function ownedStore(): Promise<{ path: string; folder: string }> {
  const path = join(await give(await publicFolder(), OWNER, 0o755), 'store')
  await as(OWNER, () => fileStore({ path }).update('me', async () => content('old')))
  return { path, folder: join(path, account) }
}

/** All that a store does in a folder is refused, before anything is redeemed, written or believed. */
async function expectRefusal(path: string, refusal: unknown, trustParent = false): Promise<void> {
  const store = fileStore({ path, trustParent })
  const change = vi.fn<() => Promise<undefined>>()
  const replacement = vi.fn<() => { token: undefined }>(() => ({ token: undefined }))
  await expect(store.read('me')).rejects.toEqual(refusal)
  await expect(store.update('me', change)).rejects.toEqual(refusal)
  await expect(store.replace('me', replacement)).rejects.toEqual(refusal)
  expect([change.mock.calls.length, replacement.mock.calls.length]).toEqual([0, 0])
}

const plant = `
const folder = path.join(args[0], '${account}')
fs.mkdirSync(folder, { recursive: true, mode: 0o755 })
fs.writeFileSync(path.join(folder, 'record-1.json'), JSON.stringify({ format: 'llm-refresh/token', version: 1, key: 'me', token: { accessToken: 'planted' } }))
`

describe.skipIf(mustSkip)('given other users', () => {
  test('[S12] given an account’s folder that another user made first, when its record is read, then the read is refused', async () => {
    const path = join(await give(await publicFolder(), 0, 0o1777), 'agent')
    await neighbourDoes(NEIGHBOUR, plant, path)
    await as(OWNER, async () => {
      await expectRefusal(
        path,
        refused('store_failed', /agent belongs to another user \(uid 61002\).*choose another folder/u),
      )
      await expect(inspectFileStore({ path })).rejects.toEqual(
        refused('store_failed', /belongs to another user/u),
      )
    })
  })

  test('[S12] given an account’s folder that another user made first, when the store writes there, then the write is refused', async () => {
    const path = await give(await publicFolder(), 0, 0o1777)
    await neighbourDoes(NEIGHBOUR, plant, path)
    const refusal = refused('store_failed', /belongs to another user \(uid 61002\): move it away/u)
    await expectRefusal(path, refusal)
    await as(OWNER, async () => {
      await expectRefusal(path, refusal)
      const [entry] = await inspectFileStore({ path })
      expect(entry).toMatchObject({ state: 'unreadable', key: undefined, problem: refusal })
    })
  })

  test('[S12] given an open folder of ours in which another user planted a record, then the folder is closed, and the record is refused', async () => {
    const { path, folder } = await ownedStore()
    await chmod(path, 0o755)
    await chmod(folder, 0o777)
    await neighbourDoes(
      NEIGHBOUR,
      `fs.writeFileSync(args[0], JSON.stringify({ format: 'llm-refresh/token', version: 1, key: 'me', token: { accessToken: 'planted' } }))`,
      join(folder, 'record-900000000000000.json'),
    )
    await as(OWNER, () =>
      expectRefusal(
        path,
        refused('store_invalid', /record-9\d+\.json belongs to another user \(uid 61002\)/u),
      ),
    )
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  test.each([
    ['all others may write', 0o777, OWNER, /can be written by other users \(mode 777\).*trustParent/u],
    ['a group of others may write', 0o775, 61_003, /can be written by other users \(mode 775\)/u],
    ['only its owner’s own group may write', 0o775, OWNER, undefined],
    ['all may write, and nobody renames another’s files', 0o1777, OWNER, undefined],
    ['only its owner may write', 0o755, OWNER, undefined],
  ])('[S12] given a parent to which %s', async (_, mode, gid, refusal) => {
    const parent = await publicFolder()
    await chown(parent, OWNER, gid)
    await chmod(parent, mode)
    const path = join(parent, 'deep', 'store')
    await as(OWNER, async () => {
      if (refusal) {
        await expect(fileStore({ path }).update('me', async () => content('1'))).rejects.toEqual(
          refused('store_failed', refusal),
        )
        expect(await readdir(parent)).toEqual([])
        await fileStore({ path, trustParent: true }).update('me', async () => content('1'))
        expect((await fileStore({ path, trustParent: true }).read('me'))?.token).toEqual({ accessToken: '1' })
        await expectRefusal(path, refused('store_failed', refusal))
      } else {
        await fileStore({ path }).update('me', async () => content('1'))
        expect((await fileStore({ path }).read('me'))?.token).toEqual({ accessToken: '1' })
      }
    })
  })

  test('[S12] given a parent folder of another user and no store there yet, then no folder is made', async () => {
    const parent = await give(await publicFolder(), NEIGHBOUR, 0o777)
    const path = join(parent, 'store')
    const refusal = refused('store_failed', /belongs to another user \(uid 61002\)/u)
    await as(OWNER, () =>
      expect(fileStore({ path }).update('me', async () => content('1'))).rejects.toEqual(refusal),
    )
    expect(await readdir(parent)).toEqual([])
  })

  test('[S5] given a container volume of root’s that is open to all, when it is trusted, then the folders of the accounts are closed', async () => {
    const path = await give(await publicFolder(), 0, 0o777)
    await as(OWNER, async () => {
      await expectRefusal(path, refused('store_failed', /can be written by other users/u))
      await fileStore({ path, trustParent: true }).update('me', async () => content('1'))
    })
    const { mode, uid } = await stat(join(path, account))
    expect([mode & 0o777, uid, (await stat(path)).mode & 0o777]).toEqual([0o700, OWNER, 0o777])
  })

  test('[S12] given another user’s link in the place of the store, when it is used, then it is refused, and its target is unchanged', async () => {
    const parent = await give(await publicFolder(), 0, 0o1777)
    const target = await give(await publicFolder(), OWNER, 0o755)
    const path = join(parent, 'store')
    await neighbourDoes(NEIGHBOUR, `fs.symlinkSync(args[1], args[0])`, path, target)
    await as(OWNER, () => expectRefusal(path, refused('store_failed', /the link .*store \(of uid 61002\)/u)))
    expect([(await stat(target)).mode & 0o777, await readdir(target)]).toEqual([0o755, []])
  })

  test('[S5] given our or root’s link to a folder of ours, when it is used, then it works', async () => {
    for (const uid of [OWNER, 0]) {
      const parent = await give(await publicFolder(), OWNER, 0o755)
      const target = await give(await publicFolder(), OWNER, 0o700)
      const path = join(parent, 'store')
      await as(uid, () => symlink(target, path))
      await as(OWNER, () => fileStore({ path }).update('me', async () => content('1')))
      expect(await readdir(target)).toEqual([account])
    }
  })

  test.each([
    'record-900000000000000.json',
    'lock-900000000000000',
    'lock-900000000000000.released',
    'draft-900000000000000-00000000-0000-4000-8000-000000000000',
    'draft-record-900000000000000-1-00000000-0000-4000-8000-000000000000',
    'origin',
  ])(
    '[S12] given root in a folder of another user, when that user plants %s as a link, then it is refused, and its target is unchanged',
    async (name) => {
      const { path, folder } = await ownedStore()
      const target = join(await publicFolder(), 'shadow')
      await writeFile(target, 'root:x', { mode: 0o600 })
      await neighbourDoes(
        OWNER,
        `fs.rmSync(args[0], { force: true }); fs.symlinkSync(args[1], args[0])`,
        join(folder, name),
        target,
      )
      const before = await stat(target)
      await expectRefusal(path, refused('store_invalid', /is a symbolic link.*move it away/u))
      const after = await stat(target)
      expect([after.uid, after.mode, after.mtimeMs, await readFile(target, 'utf8')]).toEqual([
        0,
        before.mode,
        before.mtimeMs,
        'root:x',
      ])
    },
  )

  test('[S12] given root in a folder of another user, when that user plants links while the lock is held, then no target is changed', async () => {
    const { path, folder } = await ownedStore()
    const target = join(await publicFolder(), 'shadow')
    await writeFile(target, 'root:x', { mode: 0o600 })
    const attack = `
      const [folder, target] = args
      process.stdout.write('ready')
      ;(function look() {
        for (const name of fs.readdirSync(folder)) {
          const [, number] = /^lock-(\\d+)$/.exec(name) ?? []
          if (number) for (const other of [name + '.released', 'record-' + number + '.json', 'lock-' + (Number(number) + 1)])
            try { fs.symlinkSync(target, path.join(folder, other)) } catch {}
        }
        setImmediate(look)
      })()`
    await once(neighbour(OWNER, attack, folder, target).stdout ?? expect.fail(), 'data')
    const refusals = []
    for (let round = 0; round < 5; round++) {
      const one = await fileStore({ path, timeout: 300 })
        .replace('me', () => content('new'))
        .catch((error: unknown) => error)
      refusals.push(one)
    }
    const { uid, mode } = await stat(target)
    expect([uid, mode & 0o777, await readFile(target, 'utf8')]).toEqual([0, 0o600, 'root:x'])
    expect(refusals.at(-1)).toEqual(refused('store_invalid', /is a symbolic link/u))
  })

  test('[S12] given root in a folder of another user, when that user exchanges the folders for links again and again, then no file is made elsewhere', async () => {
    const { path, folder } = await ownedStore()
    const outside = await publicFolder()
    await mkdir(join(outside, account))
    const attack = `
      const [store, folder, outside, account] = args
      process.stdout.write('ready')
      const swap = (place, target) => {
        try {
          fs.renameSync(place, place + '.away')
          fs.symlinkSync(target, place)
          for (let n = 0; n < 2000; n++);
          fs.unlinkSync(place)
          fs.renameSync(place + '.away', place)
        } catch {}
      }
      ;(function look() {
        swap(folder, path.join(outside, account))
        swap(store, outside)
        setImmediate(look)
      })()`
    const child = neighbour(OWNER, attack, path, folder, outside, account)
    await once(child.stdout ?? expect.fail(), 'data')
    const store = fileStore({ path })
    let [done, failed] = [0, 0]
    for (let round = 0; round < 150; round++) {
      await store
        .replace('me', () => content(String(round)))
        .then(
          () => done++,
          () => failed++,
        )
    }
    expect(done + failed).toBe(150)
    expect(await readdir(outside)).toEqual([account])
    expect(await readdir(join(outside, account))).toEqual([])
    expect((await stat(join(outside, account))).uid).toBe(0)
  })

  test('[S12] given a pipe in the place of a record, then no reader hangs', async () => {
    const { path, folder } = await ownedStore()
    const name = join(folder, 'record-900000000000000.json')
    await neighbourDoes(OWNER, `require('node:child_process').execFileSync('mkfifo', [args[0]])`, name)
    const refusal = refused('store_invalid', /is no file.*move it away/u)
    await as(OWNER, () => expect(fileStore({ path }).read('me')).rejects.toEqual(refusal))
    await as(OWNER, () => expectRefusal(path, refusal))
  })

  test('[S5] given root’s new folder in another user’s folder, then it is used again', async () => {
    const parent = await give(await publicFolder(), OWNER, 0o755)
    const path = join(parent, '.local', 'state')
    for (const name of ['1', '2']) await fileStore({ path }).update('me', async () => content(name))
    expect((await fileStore({ path }).read('me'))?.token).toEqual({ accessToken: '2' })
    expect(await readdir(parent)).toEqual(['.local'])
  })

  test('[S5] given a user’s folder, when root logs in there first, then the account is that user’s, and both use it', async () => {
    const parent = await give(await publicFolder(), OWNER, 0o755)
    const path = join(parent, '.local', 'state')
    await fileStore({ path }).replace('me', () => content('1'))
    for (const made of [join(parent, '.local'), path, join(path, account)])
      expect((await stat(made)).uid).toBe(OWNER)
    await as(OWNER, async () => {
      expect((await fileStore({ path }).read('me'))?.token).toEqual({ accessToken: '1' })
      await fileStore({ path }).update('me', async () => content('2'))
    })
    expect((await fileStore({ path }).read('me'))?.token).toEqual({ accessToken: '2' })
  })

  test('[S5] given root in a folder of another user, when it makes files, then each file belongs to that user before it has its name', async () => {
    const { path, folder } = await ownedStore()
    const owners = new Set<number>()
    const steps: string[] = []
    const onStep = async (step: string): Promise<void> => {
      steps.push(step)
      for (const name of await readdir(folder))
        if (!name.startsWith('draft-')) owners.add((await stat(join(folder, name))).uid)
    }
    const lease = 10_000
    const backend = new FileBackend({ path, lease, machine: thisMachine, onStep })
    await new ExclusiveStore(backend, { lease, timeout: lease }).update('me', async () => undefined)
    expect(steps).toContain('released_linked')
    expect([...owners]).toEqual([OWNER])
  })

  test('[S12] given a folder that another user has made anew, then it is checked again', async () => {
    const parent = await give(await publicFolder(), 0, 0o1777)
    const path = join(parent, 'store')
    const store = fileStore({ path })
    await as(OWNER, () => store.update('me', async () => content('1')))
    await rename(path, join(parent, 'away'))
    await neighbourDoes(NEIGHBOUR, plant, path)
    await as(OWNER, () => expect(store.read('me')).rejects.toEqual(refused('store_failed', /another user/u)))
  })
})
