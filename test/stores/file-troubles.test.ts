import { mkdir, readdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { Store } from '../../src/index.ts'
import { FileBackend } from '../../src/stores/file/backend.ts'
import { Folder } from '../../src/stores/file/folder.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { thisMachine } from '../../src/stores/file/machine.ts'
import { ExclusiveStore } from '../../src/stores/shared/exclusive-store.ts'
import { temporaryFolder } from '../support/folder.ts'
import { Gate } from '../support/gate.ts'
import { settled } from '../support/settled.ts'

const token = (name: string): { accessToken: string } => ({ accessToken: `access-${name}` })
const content = (name: string): { token: ReturnType<typeof token> } => ({ token: token(name) })
const HOUR = 3_600_000

/** A store with something in it, and the folder of its account. */
async function stored(
  onLinked?: (folder: string) => Promise<void>,
): Promise<{ store: Store; folder: string }> {
  const path = await temporaryFolder()
  await fileStore({ path }).update('me', async () => content('1'))
  const [name = ''] = await readdir(path)
  const folder = join(path, name)
  let isFirst = true
  const onStep = async (step: string): Promise<void> => {
    if (step !== 'lock_linked' || !isFirst) return
    isFirst = false
    await onLinked?.(folder)
  }
  // Whoever is taken for alive is waited for all day.
  const backend = new FileBackend({ path, lease: HOUR, machine: thisMachine, onStep })
  return { store: new ExclusiveStore(backend, { lease: HOUR, timeout: 2_000 }), folder }
}

test.each(['record-999999999999.json', 'lock-999999999999'])(
  '[S6] given %s as a link that leads nowhere, then the error is clear, and the link stays',
  async (name) => {
    const { store, folder } = await stored()
    await symlink('/nonexistent/file', join(folder, name))
    const change = vi.fn<() => Promise<undefined>>()
    await expect(store.update('me', change)).rejects.toMatchObject({
      code: 'store_invalid',
      message: `${join(folder, name)} is a link that leads nowhere: move it away.`,
    })
    expect(change).not.toHaveBeenCalled()
    expect(await readdir(folder)).toContain(name)
    await unlink(join(folder, name))
    expect((await store.update('me', async () => content('2'))).token).toMatchObject(token('2'))
  },
)

test('[S6] given files whose numbers begin with a zero, then the store neither reads nor removes them', async () => {
  const { store, folder } = await stored()
  const foreign = ['record-0999999999999.json', 'lock-0999999999999', 'lock-0999999999999.released']
  for (const name of foreign) await writeFile(join(folder, name), 'mine')
  expect((await store.read('me'))?.token).toMatchObject(token('1'))
  expect((await store.update('me', async () => content('2'))).token).toMatchObject(token('2'))
  for (const name of foreign) expect(await readFile(join(folder, name), 'utf8')).toBe('mine')
})

test('[S11] given 100 accounts that log in at once, then 16 steps at a time have files open, and all logins are stored', async () => {
  const gate = new Gate()
  let [open, most] = [0, 0]
  const onStep = async (step: string): Promise<void> => {
    if (step !== 'replace_opened') return
    most = Math.max(most, ++open)
    await gate.pass()
    open--
  }
  const path = await temporaryFolder()
  const backend = new FileBackend({ path, lease: HOUR, machine: thisMachine, onStep })
  const names = Array.from({ length: 100 }, (_, n) => `account-${n}`)
  gate.hold(16)
  const logins = Promise.all(names.map((name) => backend.replace(name, () => content(name))))
  await gate.holding(16)
  // Nobody else comes to a file of its own meanwhile.
  const another = backend.read('account-0')
  const first = await Promise.race([another, settled().then(() => 'waits')])
  expect(first).toBe('waits')
  gate.release()
  await logins
  expect(most).toBe(16)
  await another
  for (const name of names) expect((await backend.read(name))?.token).toMatchObject(token(name))
})

test('[S4] given a lock whose caller got an error instead, then the lock is released', async () => {
  const { store } = await stored(async () => {
    const error = Object.assign(new Error('too many open files'), { code: 'EMFILE' })
    vi.spyOn(Folder.prototype, 'list').mockRejectedValueOnce(error)
  })
  const change = vi.fn<() => Promise<undefined>>()
  await expect(store.update('me', change)).rejects.toMatchObject({
    code: 'store_failed',
    message: expect.stringMatching(/too many files open/u),
  })
  expect(change).not.toHaveBeenCalled()
  expect((await store.update('me', async () => content('2'))).token).toMatchObject(token('2'))
})

test('[S5] given a draft that cannot be removed, as when a scanner has it open on Windows, then other processes still get the lock', async () => {
  // As a folder it cannot be removed by the one who made it, nor by those who come after.
  const { store } = await stored(async (folder) => {
    const draft = (await readdir(folder)).find((name) => name.startsWith('draft')) ?? ''
    await unlink(join(folder, draft))
    await mkdir(join(folder, draft))
  })
  for (const name of ['2', '3']) {
    expect((await store.update('me', async () => content(name))).token).toMatchObject(token(name))
    expect((await store.read('me'))?.token).toMatchObject(token(name))
  }
})
