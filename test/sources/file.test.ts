import { execFile } from 'node:child_process'
import { chmod, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test, onTestFinished } from 'vitest'
import { createCredential, memoryStore, type RefreshEvent } from '../../src/index.ts'
import { file, type FileOptions } from '../../src/sources/file.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { failure, issue, jwt, printed, temporaryFolder } from './helpers.ts'

const CANARY = 'canary-d30b77'

async function fileWith(content: string | Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'token')
  await writeFile(path, content)
  return path
}

/** Replaces a file atomically, by a rename, as a program that rotates tokens should. */
async function replace(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content)
  await rename(`${path}.new`, path)
}

test('given a file that changes, when the next token is needed, then the source reads it again, by its path or its URL', async () => {
  const path = await fileWith('first\n')
  for (const source of [file(path), file(pathToFileURL(path))]) {
    await replace(path, 'first\n')
    expect(await issue(source)).toMatchObject({ accessToken: 'first' })
    await replace(path, '{"access_token":"second","expires_at":"2030-01-01T00:00:00Z"}')
    expect(await issue(source)).toMatchObject({ accessToken: 'second', expiresAt: Date.UTC(2030) })
  }
})

test('[K11] given a rejected token in the file, when a caller refreshes, then the refresh fails with `unchanged` until the file holds another token', async () => {
  const path = await fileWith('first')
  const clock = new ManualClock()
  const events: RefreshEvent[] = []
  const token = createCredential({ source: file(path), clock, onEvent: (event) => events.push(event) })
  const held = await token.snapshot()
  expect((await failure(token.refresh(held))).code).toBe('unchanged')
  await replace(path, 'second')
  await clock.advance(1_000)
  expect((await token.refresh(held)).value.accessToken).toBe('second')
  expect(printed([token, events, token.status()])).not.toMatch(/first|second/)
})

test('given a mounted Kubernetes secret, when a rotation moves its symbolic link, then the source reads the new token', async () => {
  const mount = await temporaryFolder()
  const turn = async (name: string, content: string): Promise<void> => {
    await mkdir(join(mount, name))
    await writeFile(join(mount, name, 'token'), content)
    await symlink(name, join(mount, '..data_tmp'))
    await rename(join(mount, '..data_tmp'), join(mount, '..data'))
  }
  await turn('..2026_11_24', 'first')
  await symlink(join('..data', 'token'), join(mount, 'token'))
  const source = file(join(mount, 'token'))
  expect(await issue(source)).toMatchObject({ accessToken: 'first' })
  await turn('..2026_11_25', 'second')
  await rm(join(mount, '..2026_11_24'), { recursive: true })
  expect(await issue(source)).toMatchObject({ accessToken: 'second' })
})

test("[K1] given `expires_in` in the file, when the source reads it, then the lifetime counts from the file's modification time, or from now if that is later", async () => {
  const clock = new ManualClock()
  const path = await fileWith('{"access_token":"a","expires_in":3600}')
  const written = clock.now() - 600_000
  await utimes(path, written / 1000, written / 1000)
  const source = file(path, { clock })
  expect((await issue(source)).expiresAt).toBe(written + 3_600_000)
  clock.jump(60_000)
  expect((await issue(source)).expiresAt).toBe(written + 3_600_000)
  await utimes(path, clock.now() / 1000 + 1e6, clock.now() / 1000 + 1e6)
  expect((await issue(source)).expiresAt).toBe(clock.now() + 3_600_000)
})

test('[K1] given a JWT that was issued long ago, when the source reads it, then its `exp` is the expiry', async () => {
  const now = Math.floor(Date.now() / 1000)
  const path = await fileWith(jwt({ iat: now - 3000, exp: now + 600 }))
  expect((await issue(file(path))).expiresAt).toBe((now + 600) * 1000)
})

test('[K3, K9] given a file that is missing or empty, as during a rotation, when a caller waits, then the source reads it again', async () => {
  const path = await fileWith('')
  const clock = new ManualClock()
  const empty = await failure(issue(file(path)))
  expect(empty).toMatchObject({
    code: 'source_unavailable',
    message: expect.stringContaining(`The file ${path} is empty: `),
  })
  await rm(path)
  const missing = await failure(issue(file(path)))
  expect(missing).toMatchObject({
    code: 'source_unavailable',
    message: expect.stringContaining(`There is no file ${path}: `),
  })
  expect(missing.cause).toMatchObject({ code: 'ENOENT' })

  const { armed } = clock
  const first = createCredential({ source: file(path), clock }).snapshot()
  // Two timers: the deadline, and the pause before the next read.
  while (clock.armed < armed + 2) await new Promise(setImmediate)
  await replace(path, 'there')
  await clock.advance(250)
  expect((await first).value.accessToken).toBe('there')
})

test.each<[string, string | Uint8Array, string]>([
  ['what is no text', new Uint8Array([0x80, 0xff, 0x41]), 'is no UTF-8 text'],
  ['a null character', `${CANARY}\0`, 'no bare token'],
  ['two lines', `${CANARY}\n${CANARY}`, 'more than one line'],
  ['JSON that is half-written', `{"token":"${CANARY}`, 'cannot be read'],
])(
  '[K3, Z1] given %s in the file, when the source reads it, then it throws an error that shows nothing of the file',
  async (_, content, words) => {
    const path = await fileWith(content)
    const error = await failure(issue(file(path)))
    expect(error.code).toBe('source_invalid')
    expect(error.message).toContain(path)
    expect(error.message).toContain(words)
    expect(printed(error)).not.toContain(CANARY)
  },
)

test('[K3] given a file of more than 1 MiB, when the source opens it, then it does not read the file', async () => {
  const path = await fileWith('a'.repeat(1_048_576))
  expect((await issue(file(path))).accessToken).toHaveLength(1_048_576)
  await truncate(path, 1_048_577)
  expect(await failure(issue(file(path)))).toMatchObject({
    code: 'source_invalid',
    message: `The file ${path} is larger than 1 MiB: name the one that holds the token.`,
  })
})

test('[K3] given a folder, or a pipe without a writer, when the source opens it, then it throws at once', async () => {
  const folder = await temporaryFolder()
  expect((await failure(issue(file(folder)))).code).toBe('source_refused')
  await promisify(execFile)('mkfifo', [join(folder, 'pipe')])
  expect((await failure(issue(file(join(folder, 'pipe'))))).code).toBe('source_refused')
  await symlink('loop', join(folder, 'loop'))
  expect(await failure(issue(file(join(folder, 'loop'))))).toMatchObject({
    code: 'source_refused',
    message: expect.stringContaining('ELOOP'),
  })
})

test('[K3] given a file without read permission, when the source opens it, then the code is source_refused', async () => {
  const path = await fileWith(CANARY)
  await chmod(path, 0)
  // Root may read every file, so the test acts as the user `nobody`.
  if (process.getuid?.() === 0) {
    process.seteuid?.('nobody')
    onTestFinished(() => process.seteuid?.(0))
  }
  expect(await failure(issue(file(path)))).toMatchObject({
    code: 'source_refused',
    message: expect.stringContaining('EACCES'),
  })
})

test("given a file of another format, when 'parse' reads it, then the source returns its token", async () => {
  const path = await fileWith('[default]\ntoken = abc\n')
  const parse = (text: string): string => /token = (.*)/.exec(text)?.[1] ?? ''
  expect(await issue(file(path, { parse }))).toMatchObject({ accessToken: 'abc' })
})

test("given an aborted signal, when a token is requested, then the call rejects with the signal's reason", async () => {
  const reason = new Error('too late')
  const issued = issue(file(await fileWith('a')), { signal: AbortSignal.abort(reason) })
  await expect(issued).rejects.toBe(reason)
})

test("given a shared store, when the file's token is read, then it is compared with the current token, and never stored", async () => {
  const store = memoryStore()
  const { value } = await createCredential({ source: file(await fileWith('mounted')), store }).snapshot()
  expect([value.accessToken, await store.read('default')]).toEqual(['mounted', undefined])
})

test.each<[string, unknown, unknown]>([
  ['path', '', {}],
  ['path', undefined, {}],
  ['path', 'a\0b', {}],
  ['path', new URL('https://example.com/token'), {}],
  ['parse', 'a', { parse: 'json' }],
  ['encoding', 'a', { encoding: 'utf8' }],
])(
  "given an invalid option, when the source is made, then it throws an error that names '%s' %#",
  (name, path, options) => {
    const open = (): unknown => file(path as string, options as FileOptions)
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    expect(open).toThrow(`'${name}'`)
  },
)
