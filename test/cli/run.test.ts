import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { startLlmServer } from '../support/llm-server.ts'
import { machine, type Machine, SIGNALLED } from './command.ts'

const KEY = 'canary-api-key'
const HELPER = { credentials: { work: { source: 'env', name: 'KEY' } } }

/** An upstream that tells which header came in. */
async function upstream(): Promise<{ url: string; seen: (string | undefined)[] }> {
  const seen: (string | undefined)[] = []
  const server = createServer(({ headers }, response) => {
    seen.push(headers.authorization)
    response.end('pong')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

async function withRoute(): Promise<Machine & { seen: (string | undefined)[] }> {
  const { url, seen } = await upstream()
  const routes = { local: { preset: 'openai-compatible', to: url, credential: 'work' } }
  return { ...(await machine({ ...HELPER, routes })), seen }
}

const sh = (code: string, ...args: string[]): string[] => ['run', '--', 'sh', '-c', code, 'sh', ...args]

test('[L1] [X6] given a login whose access token has died, when a tool with a base URL and a key calls the model, then the call succeeds after one refresh', async () => {
  const server = await startAuthorizationServer()
  onTestFinished(() => server.close())
  const llm = await startLlmServer({ accepts: (token) => server.isActive(token) })
  onTestFinished(() => llm.close())
  const { issuer, client } = server
  const definition = { source: 'oauth', issuer, clientId: client.id, clientSecret: { env: 'CLIENT_SECRET' } }
  const routes = { openai: { preset: 'openai', to: `${llm.url}/v1`, credential: 'me' } }
  const { runApart, store } = await machine({ credentials: { me: definition }, routes })
  const source = oauth({ issuer, clientId: client.id, clientSecret: client.secret })
  const login = await server.login()
  const { accessToken, refreshToken } = login
  await createCredential({ source, store: fileStore({ path: store }), key: 'me' }).login({
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_in: 3600,
  })
  server.expireAccessTokens()
  const code = `curl -sS -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' -w '\\n%{http_code}\\n' \\
    -d '{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}' "$OPENAI_BASE_URL/chat/completions"
    env | grep -cF "$1" || true`
  const ended = await runApart(sh(code, client.secret), { CLIENT_SECRET: client.secret })
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/\n200\n0\n$/), stderr: '' })
  expect(ended.stdout).toContain('Hello from the model.')
  expect({ redemptions: login.redemptions(), rejections: llm.rejections() }).toEqual({
    redemptions: 1,
    rejections: 1,
  })
}, 60_000)

test('[L1] given a command, when it has ended, then `run` has its exit code, its key and its port are gone, and it saw no secret', async () => {
  const { runApart, seen } = await withRoute()
  const code = `curl -sS -H "Authorization: Bearer $OPENAI_API_KEY" "$OPENAI_BASE_URL/ping"
    echo; printf '%s\\n' "$OPENAI_BASE_URL" "$OPENAI_API_KEY" "\${KEY-none}" "$NO_PROXY"
    exit 7`
  const { code: exit, stdout, stderr } = await runApart(sh(code), { KEY, NO_PROXY: 'example.com' })
  expect({ exit, stderr }).toEqual({ exit: 7, stderr: '' })
  const [text, url, key, secret, noProxy] = stdout.trim().split('\n')
  expect({ text, secret, noProxy }).toEqual({
    text: 'pong',
    secret: 'none',
    noProxy: 'example.com,127.0.0.1,localhost',
  })
  expect(key).toMatch(/^sk-/)
  expect(seen).toEqual([`Bearer ${KEY}`])
  await expect(fetch(`${url}/ping`)).rejects.toThrow('fetch failed')
})

test('[L1] given a NO_PROXY for every host, when a command runs, then it gets the same value', async () => {
  const { runApart } = await withRoute()
  const { stdout } = await runApart(sh('echo "$NO_PROXY $no_proxy"'), { KEY, NO_PROXY: 'a.example *' })
  expect(stdout).toBe('* *\n')
})

test.each([
  ['is not there', ['run', '--', 'no-such-command'], 127, 'There is no command no-such-command'],
  ['cannot be executed', ['run', '--', '/etc/passwd'], 126, '/etc/passwd cannot be run'],
  ['is missing', ['run'], 125, 'Name it after --'],
  ['has a route that is not there', ['run', 'lokal', '--', 'env'], 125, 'Is local meant?'],
  ['has an option that is not ours', ['run', '--frob', '--', 'env'], 125, "unknown option '--frob'"],
  ['was ended by a signal', ['run', '--', 'sh', '-c', 'kill -KILL $$'], 137, ''],
])(
  '[L1] given a command that %s, when it is run, then the exit code is the one that shells know',
  async (_how, words, exit, says) => {
    const { run } = await withRoute()
    const { code, stderr } = await run(words, { KEY })
    expect(stderr).toContain(says)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(code).toBe(exit)
  },
)

test('[L1] given no login, when a command is run, then it does not start, and one line names the command to run', async () => {
  const routes = { local: { to: 'https://llm.example.com', credential: 'me' } }
  const me = { source: 'oauth', issuer: 'https://auth.example.com', clientId: 'app' }
  const { run } = await machine({ credentials: { me }, routes })
  expect(await run(sh('echo 1'))).toMatchObject({
    code: 125,
    stdout: '',
    stderr: 'llm-refresh: Not logged in as me. Run: llm-refresh login me\n',
  })
})

test('[L1] given a command that handles signals, when we get SIGINT, SIGHUP and SIGTERM, then it gets each, and its exit code is ours', async () => {
  const { start } = await withRoute()
  const running = start(sh(SIGNALLED), { KEY })
  await running.until(/ready/)
  for (const name of ['INT', 'HUP', 'TERM'] as const) {
    running.child.kill(`SIG${name}`)
    await running.until(new RegExp(`got ${name}`))
  }
  expect((await running.ended).code).toBe(9)
})

test('[L1] given two routes whose tools read the same variable, when both are meant, then the message names them', async () => {
  const routes = {
    one: { preset: 'openai', credential: 'work' },
    two: { preset: 'openai', credential: 'work' },
  }
  const { run } = await machine({ ...HELPER, routes })
  const { code, stderr } = await run(['run', '--', 'env'], { KEY })
  expect(stderr).toContain('The routes one and two both set OPENAI_API_KEY')
  expect(code).toBe(125)
})

test('[X1] [L1] given a folder of the keys that cannot be made, when a key is added, then one line names the folder and the remedy', async () => {
  const { run, folder } = await withRoute()
  await writeFile(join(folder, 'state'), '')
  const { code, stdout, stderr } = await run(['key', 'add', 'laptop'], {
    XDG_STATE_HOME: join(folder, 'state'),
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(
    /^llm-refresh: The folder of the keys, \S+llm-refresh-cli, cannot be written \(\w+\)\. Change its owner or its permissions, or choose another HOME\.\n$/,
  )
})

test('[X1] [L1] given a running proxy, when keys come and go, then only requests with one are served, each is audited without a secret, and SIGTERM ends it with 0', async () => {
  const { start, run, seen } = await withRoute()
  const env = { KEY }
  const proxy = start(['proxy', '--port', '0'], env)
  const [, url = ''] = await proxy.until(/"url":"(http:[^"]+)"/)
  await proxy.until(/No client has a key yet/)
  const call = async (key: string): Promise<number> =>
    (await fetch(`${url}/local/ping`, { headers: { authorization: `Bearer ${key}` } })).status
  // The proxy looks at the keys twice a second, and tells nobody but by its responses.
  const becomes = async (key: string, status: number): Promise<void> => {
    await expect.poll(() => call(key), { interval: 250, timeout: 60_000 }).toBe(status)
  }
  const key = (await run(['key', 'add', 'laptop', '--route', 'local'], env)).stdout.trim()
  expect(key).toMatch(/^sk-/)
  await becomes(key, 200)
  expect(await call(`${key}x`)).toBe(401)
  expect(seen).toContain(`Bearer ${KEY}`)
  const listed = await run(['key', 'list', '--json'], env)
  expect(JSON.parse(listed.stdout)).toMatchObject([{ name: 'laptop', routes: ['local'] }])
  expect(listed.stdout).not.toContain(key)
  expect(await run(['key', 'remove', 'laptop'], env)).toMatchObject({ code: 0 })
  await becomes(key, 401)
  await proxy.until(/"key":"laptop","route":"local","method":"GET","status":200/)
  proxy.child.kill('SIGTERM')
  const ended = await proxy.ended
  expect(ended.code).toBe(0)
  for (const secret of [KEY, key]) expect(ended.stdout + ended.stderr).not.toContain(secret)
  for (const line of ended.stdout.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow()
}, 60_000)

test('[L1] given a proxy whose port is taken, when it starts, then it ends with one line and 2', async () => {
  const { url } = await upstream()
  const { run } = await withRoute()
  const { code, stderr } = await run(['proxy', '--port', new URL(url).port], { KEY })
  expect(stderr).toContain('EADDRINUSE')
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(code).toBe(2)
})

test('[A7] [L1] given an MCP server that demands a scope which only a person can grant, when a tool behind run calls it twice, then one line on stderr names the credential, the scope and the remedy', async () => {
  const server = createServer((_, response) => {
    const challenge = 'Bearer error="insufficient_scope", scope="admin"'
    response.writeHead(403, { 'www-authenticate': challenge, 'content-type': 'application/json' })
    response.end('{"error":"insufficient_scope"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const routes = { notes: { preset: 'mcp', to: url, credential: 'notes' } }
  const { runApart, store } = await machine({ credentials: { notes: { source: 'mcp', url } }, routes })
  const source = { issue: () => Promise.reject(new Error('is never asked')) }
  await createCredential({ source, store: fileStore({ path: store }), key: 'notes' }).login({
    accessToken: 'a',
    refreshToken: 'b',
    scope: 'read',
    expiresAt: Date.now() + 3_600_000,
  })
  const curl = 'curl -sS -H "Authorization: Bearer $LLM_REFRESH_NOTES_KEY" "$LLM_REFRESH_NOTES_URL"'
  const { stdout, stderr } = await runApart(sh(`${curl}; ${curl}`))
  expect(stdout).toBe('{"error":"insufficient_scope"}'.repeat(2))
  expect(stderr).toBe(
    'llm-refresh: credentials.notes: the server demands the scope "admin", which the login does not have. The tool got the 403. Set "scope": "read admin" in credentials.notes, and run: llm-refresh login notes\n',
  )
}, 60_000)

test.each([
  [['run', 'local', 'true'], 'Which command? It stands behind --: llm-refresh run local -- true'],
  [['run', 'local'], 'Which command? Name it after --, such as: llm-refresh run local -- node app.js'],
])('[L4] given %j, then the command to run is named with its route', async (words, says) => {
  const { run } = await withRoute()
  expect(await run(words)).toMatchObject({ code: 125, stderr: `llm-refresh: ${says}\n` })
})
