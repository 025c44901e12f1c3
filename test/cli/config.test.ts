import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { machine } from './command.ts'

const CANARY = 'canary-secret-value'
const ENV = { source: 'env', name: 'KEY' }
const OAUTH = { source: 'oauth', issuer: 'https://auth.example.com', clientId: 'app' }

test('[L1] given the built command, when it is asked for its version and its help, then it prints them and ends with 0', async () => {
  const { run } = await machine()
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' })
  const help = await run(['--help'])
  expect(help.code).toBe(0)
  for (const word of ['login', 'logout', 'status', 'token', 'run', 'proxy', 'check', 'key', 'demo', 'Exit']) {
    expect(help.stdout).toContain(word)
  }
  expect(await run(['token', '--help'])).toMatchObject({ code: 0, stderr: '' })
})

test.each([
  { words: [], says: 'Which command?' },
  { words: ['tokn'], says: 'Did you mean token?' },
  { words: ['token', '--frmat', 'json'], says: 'Did you mean --format?' },
  { words: ['token', '--format', 'xml'], says: 'raw, json or headers' },
  { words: ['token', '--min-ttl', '5'], says: 'such as 30s, 5m or 2h' },
  { words: ['token', 'wrok'], says: 'Is work meant?' },
  { words: ['login', '--browser', '--device'], says: 'exclude each other' },
  { words: ['key', 'add', 'laptop', '--route', 'opnai'], says: 'Is openai meant?' },
])(
  '[L4] given $words, when it is run, then one line says $says, and the exit code is 2',
  async ({ words, says }) => {
    const routes = { openai: { preset: 'openai', credential: 'work' } }
    const { run } = await machine({ credentials: { work: ENV }, routes })
    const { code, stdout, stderr } = await run(words)
    expect(stderr).toContain(says)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  },
)

test.each([
  ['{ "version": 1', 'a `}` is missing'],
  ['{ "version": 1, "stores": [1', 'a `]` is missing'],
  ['{ "version" 1 }', 'a `:` is missing'],
  ['{ "version": 1 "stores": {} }', 'a `,` is missing'],
  ['{ version: 1 }', 'a word stands here'],
  ['{ "version": }', 'a value is missing'],
  ['{ 1: 2 }', 'a name in double quotes is missing'],
  ['{ "version": 1 } }', 'the file goes on behind its last `}`'],
  ['{ "version": 1. }', 'the number is cut off'],
  ['{ "version": "1 }', 'the end of a text'],
  ['{ "version": "\\u12" }', 'four hexadecimal digits'],
  ['{ "version": "\\x" }', 'this letter cannot follow'],
  ['{ "version": 1 } /* a', 'the end of a comment'],
  ['{ "version": "a\tb" }', 'a tab, an end of a line'],
])(
  '[L4] given the text %j, when it is read, then the message says in plain words what is missing or too much, and where',
  async (text, says) => {
    const { run, config } = await machine(text)
    const { code, stderr } = await run(['status'])
    expect(stderr).toContain(`${config}:1:`)
    expect(stderr).toContain(`this is not valid JSON: ${says}`)
    expect(code).toBe(2)
  },
)

test.each([
  [
    'a secret as a value',
    { credentials: { a: { ...OAUTH, clientSecret: CANARY } } },
    'credentials.a.clientSecret is a secret',
    '"clientSecret"',
  ],
  [
    'a URL with a password as a value',
    { stores: { team: { type: 'redis', url: `redis://:${CANARY}@host` } } },
    'stores.team.url is a secret',
    '"url"',
  ],
  [
    'a refresh token as a value',
    { credentials: { a: { ...OAUTH, grant: { type: 'refresh_token', refreshToken: CANARY } } } },
    'credentials.a.grant.refreshToken is a secret',
    '"refreshToken"',
  ],
  [
    'a mistyped field',
    { credentials: { a: { ...OAUTH, clientSecrt: { env: 'X' } } } },
    'Is "clientSecret" meant?',
    '"clientSecrt"',
  ],
  [
    'another kind of source',
    { credentials: { a: { source: 'magic' } } },
    '"aws", "command", "file" or "env"',
    '"source"',
  ],
  [
    'a store that is not there',
    { credentials: { a: { ...ENV, store: 'taem' } }, stores: { team: { type: 'file' } } },
    'Is "team" meant?',
    '"store"',
  ],
  [
    'a route without its credential',
    { routes: { r: { preset: 'openai', credential: 'x' } } },
    'which is not defined',
    '"credential": "x"',
  ],
  [
    'a route that leads nowhere',
    { credentials: { a: ENV }, routes: { r: { preset: 'mcp', credential: 'a' } } },
    'needs "to"',
    '"r"',
  ],
  [
    'a URL with a password',
    { credentials: { a: { ...OAUTH, issuer: `https://me:${CANARY}@host` } } },
    'without a user, a password',
    '"issuer"',
  ],
  [
    'a secret for a public client',
    { credentials: { a: { ...OAUTH, grant: 'client_credentials' } } },
    'needs "clientSecret"',
    '"a"',
  ],
  [
    'the name of a grant that needs a token',
    { credentials: { a: { ...OAUTH, grant: 'token_exchange' } } },
    '{ "type": "token_exchange", "subjectToken": … }',
    '"grant"',
  ],
  [
    'the mistyped name of a grant',
    { credentials: { a: { ...OAUTH, grant: 'client_credential' } } },
    'Is "client_credentials" meant?',
    '"grant"',
  ],
  ['another version', { version: 2 }, 'version must be 1', '"version"'],
  ['a name that is none', { credentials: { '../a': ENV } }, 'is no name', '"../a"'],
])(
  '[L4] given %s, when it is read, then the message points at the field, its line and the remedy',
  async (_what, config, says, at) => {
    const { run, write, config: file } = await machine()
    const text = JSON.stringify({ version: 1, ...config }, undefined, 2)
    await write(`// a comment\r\n${text}`)
    const { code, stderr } = await run(['status'])
    const line = text.split('\n').findIndex((each) => each.includes(at)) + 2
    expect(stderr).toContain(`llm-refresh: ${file}:${line}:`)
    expect(stderr).toContain(says)
    expect(stderr).not.toContain(CANARY)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(code).toBe(2)
  },
)

test.each([
  ['{ "version": 1', ':1:15'],
  ['{ "version": 1,\n  "credentials": { "a": x } }', ':2:'],
  ['{ "version": 1, "version": 1 }', 'stands here twice'],
  ['{ "version": 1, "credentials": { "__proto__": {} } }', 'cannot be a name'],
  ['', 'is empty'],
  ['[]', 'must be an object'],
])(
  '[L4] given the text %j, when it is read, then it is refused and its place is named',
  async (text, says) => {
    const { run } = await machine(text)
    const { code, stderr } = await run(['status'])
    expect(stderr).toContain(says)
    expect(code).toBe(2)
  },
)

test('[L4] given a file with comments, trailing commas and a byte order mark, when it is read, then it is accepted', async () => {
  const { run } = await machine('\uFEFF/* c */ { "version": 1, // one\n "credentials": {}, }')
  expect(await run(['status'])).toMatchObject({ code: 0 })
})

test('[L4] given a configuration that others may write to, or whose folder they may, when it is read, then it is refused with the command that mends it', async () => {
  const { run, config, folder } = await machine()
  await chmod(config, 0o664)
  const writable = await run(['status'])
  expect(writable.code).toBe(2)
  expect(writable.stderr).toContain(`chmod go-w ${config}`)
  await chmod(config, 0o600)
  await chmod(join(folder, 'config'), 0o777)
  const replaceable = await run(['status'])
  expect(replaceable.code).toBe(2)
  expect(replaceable.stderr).toContain(`chmod go-w ${join(folder, 'config')}`)
  await chmod(join(folder, 'config'), 0o700)
  await chmod(folder, 0o777)
  expect(await run(['status'])).toMatchObject({ code: 2 })
  await chmod(folder, 0o700)
  expect(await run(['status'])).toMatchObject({ code: 0 })
})

test('[L4] given a configuration in the working folder, when none is named, then it is not read', async () => {
  const { runApart, run, folder } = await machine()
  await writeFile(join(folder, 'config.jsonc'), '{ "version": 1 }')
  const missing = await runApart(['status'], { LLM_REFRESH_CONFIG: '' })
  expect(missing.code).toBe(2)
  expect(missing.stderr).toContain(join(folder, '.config', 'llm-refresh', 'config.jsonc'))
  const relative = await run(['status'], { LLM_REFRESH_CONFIG: 'config.jsonc' })
  expect(relative.code).toBe(2)
  expect(relative.stderr).toContain('absolute')
})

test('[L1] given a configuration in the platform folder, when none is named, then it is read; --config wins over the variable', async () => {
  const { run, runApart, folder, config } = await machine({ credentials: { work: ENV } })
  const home = join(folder, 'xdg', 'llm-refresh')
  await mkdir(home, { recursive: true, mode: 0o700 })
  await symlink(config, join(home, 'config.jsonc'))
  const env = { LLM_REFRESH_CONFIG: '', XDG_CONFIG_HOME: join(folder, 'xdg') }
  expect((await run(['status'], env)).stdout).toContain('work')
  const other = { LLM_REFRESH_CONFIG: join(folder, 'absent.jsonc') }
  expect((await runApart(['status', '--config', 'config/config.jsonc'], other)).stdout).toContain('work')
})
