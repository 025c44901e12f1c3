import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCredential, type Source } from '../../src/index.ts'
import { aws } from '../../src/sources/aws.ts'
import { azure } from '../../src/sources/azure.ts'
import { command, type CommandOptions } from '../../src/sources/command/index.ts'
import { google } from '../../src/sources/google.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { script, temporaryFolder } from './helpers.ts'

const CANARY = 'canary-4c1de0'

/** A program that tells whose token it prints, and notes each run beside itself. */
const helper = (name: string): Promise<string> =>
  script('echo run >> "$0.runs"\necho "$(basename "$0")-$*" | tr " " "-"', name)

async function runs(file: string): Promise<number> {
  const noted = await readFile(`${file}.runs`, 'utf8').catch(() => '')
  return noted.split('\n').length - 1
}

/** A store of files, and a process that begins and asks for a token. */
async function world() {
  const path = join(await temporaryFolder(), 'store')
  const begin = async (source: Source, key = 'me'): Promise<string> => {
    const credential = createCredential({ source, store: fileStore({ path }), key })
    const accessToken = await credential.accessToken()
    await credential.flush()
    return accessToken
  }
  return { path, begin, ask: (options: CommandOptions) => begin(command(options)) }
}

test('[K16] given a stored token of a command, when another program takes its place, then its own token is used, and stored', async () => {
  const { path, ask } = await world()
  const [alice, bob] = await Promise.all([helper('alice'), helper('bob')])
  expect(await ask({ file: alice })).toBe('alice-')
  expect(await ask({ file: bob })).toBe('bob-')
  expect(await ask({ file: bob })).toBe('bob-')
  expect(await runs(bob)).toBe(1)
  expect((await fileStore({ path }).read('me'))?.token?.accessToken).toBe('bob-')
  expect(await ask({ file: alice })).toBe('alice-')
})

test('[K16] given a stored token of a command, when its arguments change, then it is not used; the same program elsewhere uses it', async () => {
  const { ask } = await world()
  const file = await helper('alice')
  const args = ['--account', 'one']
  expect(await ask({ file, args })).toBe('alice---account-one')
  const elsewhere = join(await temporaryFolder(), 'bin')
  await mkdir(elsewhere)
  await copyFile(file, join(elsewhere, 'alice'))
  expect(await ask({ file: join(elsewhere, 'alice'), args: [...args] })).toBe('alice---account-one')
  expect(await runs(join(elsewhere, 'alice'))).toBe(0)
  expect(await ask({ file, args: ['--account', 'two'] })).toBe('alice---account-two')
  expect(await runs(file)).toBe(2)
})

test('[K16] given arguments that change at each start, by a function or beside an identity, then the stored token is used', async () => {
  const { ask } = await world()
  const file = await helper('alice')
  let starts = 0
  const dated = (): CommandOptions => ({ file, args: () => ['--session', String(++starts)] })
  expect(await ask(dated())).toBe('alice---session-1')
  expect(await ask(dated())).toBe('alice---session-1')
  const named = (identity: string): CommandOptions => ({ file, args: ['-n', String(++starts)], identity })
  expect(await ask(named('one'))).toBe('alice--n-2')
  const before = await runs(file)
  expect(await ask(named('one'))).toBe(await ask(named('one')))
  expect(await runs(file)).toBe(before)
  await ask(named('two'))
  expect(await runs(file)).toBe(before + 1)
})

test('[K16, Z1] given a secret among the arguments, then the store has none of it, and two accounts do not show that theirs is the same', async () => {
  const { path, begin } = await world()
  const file = await script('echo token', 'helper')
  await begin(command({ file, args: ['--key', CANARY] }), 'one')
  await begin(command({ file, args: ['--key', CANARY] }), 'two')
  const files = await readdir(path, { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    files.filter((each) => each.isFile()).map((each) => readFile(join(each.parentPath, each.name), 'utf8')),
  )
  expect(texts.join('\n')).toContain('command:helper')
  expect(texts.join('\n')).not.toContain(CANARY)
  const store = fileStore({ path })
  const [one, two] = await Promise.all([store.read('one'), store.read('two')])
  expect(one?.madeFor?.identity).toMatch(/^[\da-f]{16}:[\da-f]{16}$/)
  expect(one?.madeFor?.identity).not.toBe(two?.madeFor?.identity)
})

test("[K16] given a person's login, when a command takes its place under the same name, then the login is not used, and stays", async () => {
  const { path, ask } = await world()
  const store = fileStore({ path })
  const login = { accessToken: 'person', refreshToken: 'canary-refresh', expiresAt: Date.now() + 3_600_000 }
  const madeFor = { issuer: 'https://auth.example.com', client: 'app' }
  await store.replace('me', () => ({ token: login, madeFor }))
  expect(await ask({ file: await helper('alice') })).toBe('alice-')
  expect(await store.read('me')).toMatchObject({ token: login, madeFor })
})

test('[K16] given a login of another source that has ended, when a command takes its place, then its end does not concern the command', async () => {
  const { path, ask } = await world()
  const store = fileStore({ path })
  const failure = { code: 'reauthentication_required', terminal: true, at: Date.now() } as const
  const madeFor = { issuer: 'https://auth.example.com', client: 'app' }
  const token = { accessToken: 'person', refreshToken: 'canary-refresh', expiresAt: 1 }
  await store.replace('me', () => ({ token, madeFor, failure }))
  expect(await ask({ file: await helper('alice') })).toBe('alice-')
  expect(await store.read('me')).toMatchObject({ token: { accessToken: 'alice-' } })
  expect((await store.read('me'))?.token?.refreshToken).toBeUndefined()
})

test("[K16] given a command's record, when another source takes its place for a time and is refused, then that does not concern the command", async () => {
  const { path, begin, ask } = await world()
  const file = await helper('alice')
  expect(await ask({ file })).toBe('alice-')
  await fileStore({ path }).replace('me', (stored) => ({
    ...stored,
    token: { accessToken: 'expired', expiresAt: 1 },
  }))
  const fetch = async (): Promise<Response> => Response.json({ error: 'invalid_grant' }, { status: 400 })
  const grant = { type: 'refresh_token', refreshToken: 'canary-seed' } as const
  const client = { tokenEndpoint: 'https://auth.example.com/token', clientId: 'app' }
  await expect(begin(oauth({ ...client, fetch, grant }))).rejects.toMatchObject({ terminal: true })
  expect(await ask({ file })).toBe('alice-')
})

test('[K16] given a token of Azure, when other scopes are configured, then they are asked for; with the same ones the stored token is used', async () => {
  const { begin } = await world()
  let asked = 0
  const credential = () => ({
    getToken: async (scopes: string[]) => ({
      token: `${scopes.join('+')}-${++asked}`,
      expiresOnTimestamp: Date.now() + 3_600_000,
    }),
  })
  expect(await begin(azure({ credential }))).toMatch(/cognitiveservices.*-1$/)
  expect(await begin(azure({ credential }))).toMatch(/cognitiveservices.*-1$/)
  expect(await begin(azure({ credential, scopes: 'https://ai.azure.com/.default' }))).toMatch(
    /ai\.azure.*-2$/,
  )
})

test('[K16] given a token of Google, when another account or scope is configured, then it is not used', async () => {
  const { begin } = await world()
  let asked = 0
  const client = () => ({
    getAccessToken: async () => ({ token: `google-${++asked}` }),
    credentials: { expiry_date: Date.now() + 3_600_000 },
  })
  expect(await begin(google({ client }))).toBe('google-1')
  expect(await begin(google({ client }))).toBe('google-1')
  expect(await begin(google({ client, scopes: 'email' }))).toBe('google-2')
  const accounts = [google(), google({ impersonate: 'a@p.example' }), google({ impersonate: 'b@p.example' })]
  expect(new Set(accounts.map(({ madeFor }) => madeFor?.identity))).toEqual(
    new Set(['', 'a@p.example', 'b@p.example']),
  )
})

test('[K16] given a token of AWS, when another profile, region or key is configured, then it is not used; a session of the same keys uses it', async () => {
  const { begin } = await world()
  const keys = (accessKeyId: string, sessionToken?: string) => ({
    region: 'eu-west-1',
    credentials: { accessKeyId, secretAccessKey: 'canary-key', ...(sessionToken && { sessionToken }) },
  })
  const one = await begin(aws(keys('AKIAONE')))
  expect(await begin(aws(keys('AKIAONE')))).toBe(one)
  const two = await begin(aws(keys('AKIATWO')))
  expect(two).not.toBe(one)
  expect(await begin(aws({ ...keys('AKIATWO'), region: 'us-east-1' }))).not.toBe(two)
  const session = await begin(aws(keys('ASIAONE', 'canary-session')), 'session')
  expect(await begin(aws(keys('ASIATWO', 'canary-other')), 'session')).toBe(session)
  expect([aws(), aws({ profile: 'a' })].map(({ madeFor }) => madeFor?.identity)).toEqual(['', 'profile a'])
})
