import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { PATH_METADATA, ROOT_METADATA, startWorld } from '../sources/mcp-world.ts'
import { type OidcServer, startOidcServer } from '../support/oidc-server.ts'
import { machine, type Running } from './command.ts'

async function server(): Promise<OidcServer> {
  const oidc = await startOidcServer({}, { interval: 1 })
  onTestFinished(() => oidc.close())
  return oidc
}

const type = (running: Running, line: string): void => void running.child.stdin.write(`${line}\n`)

test.each([
  [['login', 'notes'], 'Add credentials.notes, or describe it with --mcp, or --issuer and --client-id.'],
  [['login', '--mcp', 'https://mcp.example.com'], 'What is the login to be called?'],
  [
    ['login', 'notes', '--mcp', 'https://mcp.example.com/mcp'],
    'Add to it: "credentials": { "notes": {"source":"mcp","url":"https://mcp.example.com/mcp"} }',
  ],
  [['login', 'notes', '--mcp', 'mcp'], '"mcp" is no URL.'],
  [['login', 'notes', '--mcp', 'https://a.example.com', '--client-id', 'app'], '--mcp excludes'],
  [['login', 'wrok'], 'Is work meant?'],
  [['login', 'work', '--mcp', 'https://mcp.example.com'], 'has work already'],
])(
  '[L5] [L4] given a pipe, when %j is run, then it asks no question, one line says what to add, and nothing is written',
  async (words, says) => {
    const { run, config } = await machine({ credentials: { work: { source: 'env', name: 'KEY' } } })
    const before = await readFile(config, 'utf8')
    const { code, stdout, stderr } = await run(words)
    expect(stderr).toContain(says)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(await readFile(config, 'utf8')).toBe(before)
  },
)

test('[L5] [L4] given no configuration and a pipe, when a login is described, then the whole file is shown', async () => {
  const { run, folder } = await machine()
  const env = { LLM_REFRESH_CONFIG: '', XDG_CONFIG_HOME: join(folder, 'none') }
  const path = join(folder, 'none/llm-refresh/config.jsonc')
  expect(await run(['login', 'notes', '--mcp', 'https://mcp.example.com/mcp'], env)).toMatchObject({
    code: 2,
    stderr: `llm-refresh: There is no configuration at ${path} yet. Write this file: { "version": 1, "credentials": { "notes": {"source":"mcp","url":"https://mcp.example.com/mcp"} } }\n`,
  })
  expect((await run(['login', 'notes'], env)).stderr).toContain(
    `There is no configuration at ${path} yet. Write one, or describe it`,
  )
})

test('[L5] [L4] given a login that the configuration has, when it is described by a scope alone, then the refusal names the line to change', async () => {
  const { run, config, write } = await machine()
  await write(
    '{\n  "version": 1,\n  "credentials": {\n    "a": {\n      "source": "mcp", "url": "https://a.example/mcp",\n      "scope": "read"\n    },\n    "b": { "source": "mcp", "url": "https://a.example/mcp" }\n  }\n}\n',
  )
  const { code, stderr } = await run(['login', 'a', '--scope', 'read admin'])
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: `llm-refresh: ${config} has a already. At ${config}:6:7 set "scope": "read admin", and run: llm-refresh login a\n`,
  })
  expect((await run(['login', 'b', '--scope', 'admin'])).stderr).toContain(
    `At ${config}:8:5 set "scope": "admin"`,
  )
})

test.each([
  ['a path that the metadata do not name', '/other', 1],
  ['a server that is down', 'http://127.0.0.1:9/mcp', 4],
])(
  '[L5] given a terminal, when a login names the URL of an MCP server with %s, then the person is not asked to agree, and nothing is written',
  async (_, path, exit) => {
    const { api, url } = await startWorld()
    api.routes.set(ROOT_METADATA, api.routes.get(PATH_METADATA) ?? {})
    const { onTerminal, config } = await machine()
    const before = await readFile(config, 'utf8')
    const login = onTerminal(['login', 'notes', '--mcp', new URL(path, url).href])
    const { code, stdout } = await login.ended
    expect(stdout).toContain('Nothing was written. Is the URL right?')
    expect(stdout).not.toContain('Add it now?')
    expect(code).toBe(exit)
    expect(await readFile(config, 'utf8')).toBe(before)
  },
  60_000,
)

test.each([[['login']], [['token', 'work']]])(
  '[L5] [L4] given no configuration, when %j is run, then the message names the command that writes one',
  async (words) => {
    const { run, folder } = await machine()
    const ended = await run(words, { LLM_REFRESH_CONFIG: '', XDG_CONFIG_HOME: join(folder, 'none') })
    expect(ended).toEqual(
      expect.objectContaining({
        code: 2,
        stderr: `llm-refresh: There is no configuration at ${join(folder, 'none/llm-refresh/config.jsonc')}. Run: llm-refresh login NAME, which asks for the server and writes the file. docs/cli.md has an example.\n`,
      }),
    )
  },
)

test('[L5] given a terminal and a login that is described, when the person agrees, then it is added to the configuration, comments stay, and the login goes on by a code', async () => {
  const oidc = await server()
  const { onTerminal, run, config, write } = await machine()
  await write(
    '{\n  // mine\n  "version": 1, // one\n  "stores": { "default": { "type": "file", "path": "../store" } },\n}\n',
  )
  const login = onTerminal(['login', 'me', '--issuer', oidc.issuer, '--client-id', 'public'])
  await login.until(/Add it now\? \[y\/N\]/)
  type(login, 'y')
  const [, code = ''] = await login.until(/enter the code \S*?([A-Z]{4}-[A-Z]{4})/)
  await oidc.confirm(code, 'allow')
  expect(await login.ended).toMatchObject({ code: 0 })
  const text = await readFile(config, 'utf8')
  expect(text).toContain('// mine\n  "version": 1, // one\n')
  expect(text).toContain(`"issuer": "${oidc.issuer}"`)
  expect(text).toContain('"scope": "openid offline_access"')
  const [status] = JSON.parse((await run(['status', '--json'])).stdout) as object[]
  expect(status).toMatchObject({ name: 'me', state: 'valid', canRefresh: true })
}, 60_000)

test('[L5] given a terminal and no configuration, when only a name is given, then the person is asked for what no server tells, and the new file is private', async () => {
  const oidc = await server()
  const { onTerminal, folder } = await machine()
  const path = join(folder, '.config', 'llm-refresh', 'config.jsonc')
  await mkdir(dirname(dirname(path)), { mode: 0o700 })
  const login = onTerminal(['login', 'me'], { LLM_REFRESH_CONFIG: undefined })
  await login.until(/The URL of the authorization server/)
  type(login, oidc.issuer)
  await login.until(/The id of the client/)
  type(login, 'public')
  await login.until(/Add it now/)
  type(login, 'yes')
  await login.until(/enter the code/)
  login.child.stdin.write('\u0003')
  expect((await login.ended).code).toBe(130)
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
    version: 1,
    credentials: { me: { source: 'oauth', issuer: oidc.issuer, clientId: 'public' } },
  })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
}, 60_000)

test('[L5] given a terminal and the URL of an MCP server, when the person does not agree, then nothing is written, and the command to run is named', async () => {
  const { url } = await startWorld()
  const { onTerminal, config } = await machine()
  const before = await readFile(config, 'utf8')
  const login = onTerminal(['login', 'notes'])
  await login.until(/or of the MCP server/)
  type(login, url)
  await login.until(/"notes": \{"source":"mcp",/)
  type(login, '')
  const { code, stdout } = await login.ended
  expect(stdout).toContain('Nothing was written. Add it, and run: llm-refresh login notes')
  expect(code).toBe(1)
  expect(await readFile(config, 'utf8')).toBe(before)
}, 60_000)

test.each([
  ['interrupts', '\u0003', 130],
  ['ends the input', '\u0004', 2],
])('[L5] given a question, when the person %s, then nothing is written', async (_how, typed, code) => {
  const { onTerminal, config } = await machine()
  const before = await readFile(config, 'utf8')
  const login = onTerminal(['login', 'notes'])
  await login.until(/or of the MCP server/)
  login.child.stdin.write(typed)
  expect((await login.ended).code).toBe(code)
  expect(await readFile(config, 'utf8')).toBe(before)
})

test('[L5] [L4] given a URL without a server, when a login is described with it, then one line says so, and nothing is written', async () => {
  const { run, config } = await machine()
  const before = await readFile(config, 'utf8')
  const words = ['login', 'me', '--issuer', 'http://127.0.0.1:9', '--client-id', 'app']
  const { code, stderr } = await run(words)
  expect(stderr).toContain('127.0.0.1:9 cannot be reached')
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(code).toBe(4)
  expect(await readFile(config, 'utf8')).toBe(before)
})
