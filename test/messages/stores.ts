import { chmod, chown, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCredential, memoryStore, type Store } from '../../src/index.ts'
import { tighten } from '../../src/stores/file/guard/making.ts'
import { assertLinks } from '../../src/stores/file/guard/trust.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { folderName } from '../../src/stores/file/path.ts'
import { type SealingKeys, sealedStore } from '../../src/stores/sealed/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { inTime } from './in-time.ts'
import { type Situation, situations } from './situation.ts'

const TOKEN = { token: { accessToken: 'a' } }
const LAST = 999_999_999_999_998
const source = { issue: async () => ({ accessToken: 'a' }) }

/** A store of a user's that does something otherwise. */
export const storeThat = (otherwise: Partial<Store>): Store => Object.assign(memoryStore(), otherwise)

const snapshotOver = (otherwise: Partial<Store>): Promise<unknown> =>
  createCredential({ source, store: storeThat(otherwise) }).snapshot()
const reading = (record: unknown): Promise<unknown> => snapshotOver({ read: async () => record as never })

async function inFolder<R>(use: (path: string) => Promise<R>): Promise<R> {
  const path = await mkdtemp(join(tmpdir(), 'llm-refresh-situation-'))
  try {
    return await use(path)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

/** What a store says when something was put into the folder of its account. */
const planted = (put: (folder: string) => Promise<unknown>, use = readMe): Promise<unknown> =>
  inFolder(async (path) => {
    const folder = join(path, folderName('me'))
    await mkdir(folder, { mode: 0o700 })
    await put(folder)
    return use(fileStore({ path }))
  })
const readMe = (store: Store): Promise<unknown> => store.read('me')

/** This process is another user for as long as it reads. */
async function asAnotherUser(store: Store): Promise<unknown> {
  const { geteuid } = process
  process.geteuid = () => 54_321
  try {
    return await store.read('me')
  } finally {
    Object.assign(process, { geteuid })
  }
}

const key = (id: string, byte = 0): { id: string; secret: Uint8Array<ArrayBuffer> } => ({
  id,
  secret: new Uint8Array(32).fill(byte),
})

/** A record that is sealed with one key, read with others. */
async function sealedFor(keys: SealingKeys): Promise<unknown> {
  const store = memoryStore()
  await sealedStore(store, [key('a')]).update('me', async () => TOKEN)
  return sealedStore(store, keys).read('me')
}

async function unsealed(token: { accessToken: string; tokenType?: string }): Promise<unknown> {
  const store = memoryStore()
  await store.update('me', async () => ({ token }))
  return sealedStore(store, [key('a')]).read('me')
}

/** Stores of users, files and seals. */
export const STORE_SITUATIONS: readonly Situation[] = situations({
  'a store fails': () =>
    snapshotOver({
      read: async () => {
        throw new Error('x')
      },
    }),
  'a store gives what is no record': () => reading('a'),
  'a store gives a record without a number': () => reading({}),
  'a store gives a record whose token is none': () => reading({ revision: 1, token: {} }),
  'a store gives nothing after a write': () => snapshotOver({ update: async () => undefined as never }),
  'a credential meets the registration of a client': () => reading({ revision: 1, holds: 'mcp-client' }),
  'a credential meets what it does not know': () => reading({ revision: 1, holds: 'Something else' }),
  'a credential without keys meets a sealed record': () =>
    reading({ revision: 1, token: { accessToken: 'a', tokenType: 'llm-refresh/sealed' } }),
  'a credential is given a store that cannot write': () =>
    createCredential({ source, store: { read: async () => undefined } as unknown as Store }),

  'the folder of the file store is a file': () =>
    inFolder(async (path) => {
      await writeFile(join(path, 'store'), 'x')
      return fileStore({ path: join(path, 'store') }).read('me')
    }),
  'the path of the file store is too long': () => fileStore({ path: `/${'a'.repeat(300)}` }).read('me'),
  'the links of a file store lead in a circle': () =>
    inFolder(async (path) => {
      await symlink(join(path, 'store'), join(path, 'store'))
      return fileStore({ path: join(path, 'store') }).update('me', async () => TOKEN)
    }),
  'all users may write where the file store is': () =>
    inFolder(async (path) => {
      const open = join(path, 'open')
      await mkdir(open)
      await chmod(open, 0o777)
      return fileStore({ path: join(open, 'store') }).update('me', async () => TOKEN)
    }),
  'a link of another user leads to the file store': () =>
    assertLinks(
      { real: '/a', folders: [], missing: [], links: [{ path: '/a', uid: 1_234, targetUid: 0 }] },
      { uid: 4_321, served: undefined, hasUnmapped: false },
    ),
  'the folder of an account is exchanged while it is in use': () =>
    inFolder((path) => tighten(path, 'the folder before')),
  'the folder of an account is another user’s': () =>
    planted(async (folder) => {
      // Root may give it away, and root's own is anybody's.
      if (process.geteuid?.() === 0) await chown(folder, 12_345, 12_345)
    }, asAnotherUser),
  'a record of the file store is a folder': () => planted((folder) => mkdir(join(folder, 'record-1.json'))),
  'a record of the file store is a link': () =>
    planted(async (folder) => {
      await writeFile(join(folder, 'elsewhere'), 'x')
      await symlink(join(folder, 'elsewhere'), join(folder, 'record-1.json'))
    }),
  'a record of the file store is a link that leads nowhere': () =>
    planted((folder) => symlink('/nowhere/file', join(folder, 'record-1.json'))),
  'a record of the file store is large': () =>
    planted(async (folder) => {
      await writeFile(join(folder, 'record-1.json'), '', { mode: 0o600 })
      await truncate(join(folder, 'record-1.json'), 17 * 1024 * 1024)
    }),
  'a lock of the file store has a number that is too high': () =>
    planted((folder) => writeFile(join(folder, `lock-${LAST + 1}`), '', { mode: 0o600 })),
  'the file store has given the last lock that there is': () =>
    planted(
      (folder) => writeFile(join(folder, `lock-${LAST}.released`), '', { mode: 0o600 }),
      (store) => store.update('me', async () => TOKEN),
    ),
  'the file store has given the last number that a login may have': () =>
    planted(
      (folder) => writeFile(join(folder, `lock-${LAST}.released`), '', { mode: 0o600 }),
      (store) => store.replace('me', () => TOKEN),
    ),

  'a record was stored before the store was sealed': () => unsealed({ accessToken: 'a' }),
  'a sealed record was cut off': () => unsealed({ accessToken: 'a', tokenType: 'llm-refresh/sealed' }),
  'a sealed record needs a key that is gone': () => sealedFor([key('b')]),
  'a sealed record needs another secret': () => sealedFor([key('a', 1)]),
  'the function of the keys fails': () =>
    sealedFor(() => {
      throw new Error('x')
    }),
  'the function of the keys hangs': async () => {
    const [clock, store] = [new ManualClock(), memoryStore()]
    await sealedStore(store, [key('a')]).update('me', async () => TOKEN)
    return inTime(clock, sealedStore(store, () => new Promise<never>(() => undefined), { clock }).read('me'))
  },
  'others change a sealed record each time': () => {
    let revision = 1
    const store = storeThat({
      replace: async (_, change) => ({ ...change({ revision: revision++, token: undefined }), revision }),
    })
    return sealedStore(store, [key('a')]).replace('me', () => ({ token: undefined }))
  },
  'a step of a login comes too late': async () => {
    const [clock, changes] = [new ManualClock(), [] as Parameters<Store['replace']>[1][]]
    const store = storeThat({
      replace: (_, change) => {
        changes.push(change)
        return new Promise(() => undefined)
      },
    })
    const login = createCredential({ source, store, clock }).login({ accessToken: 'a' })
    await inTime(clock, login).catch(() => undefined)
    return changes[0]?.(undefined)
  },
  'a store does not respond to a login': () => {
    const clock = new ManualClock()
    const store = storeThat({ replace: () => new Promise(() => undefined) })
    return inTime(clock, createCredential({ source, store, clock }).login({ accessToken: 'a' }))
  },
})
