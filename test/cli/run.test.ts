import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { startLlmServer } from '../support/llm-server.ts'
import { until } from '../support/until.ts'
import { machine, type Machine } from './command.ts'

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

const js = (code: string): string[] => ['run', '--', process.execPath, '-e', code]
const CALL = `const { OPENAI_BASE_URL: url, OPENAI_API_KEY: key } = process.env
  const response = await fetch(url + '/ping', { headers: { authorization: 'Bearer ' + key } })`

test('[L1] [X6] given a login whose access token has died, when a tool with a base URL and a key calls the model, then the call succeeds after one refresh', async () => {
  const server = await startAuthorizationServer()
  onTestFinished(() => server.close())
  const llm = await startLlmServer({ accepts: (token) => server.isActive(token) })
  onTestFinished(() => llm.close())
  const { issuer, client } = server
  const definition = { source: 'oauth', issuer, clientId: client.id, clientSecret: { env: 'CLIENT_SECRET' } }
  const routes = { openai: { preset: 'openai', to: `${llm.url}/v1`, credential: 'me' } }
  const { run, store } = await machine({ credentials: { me: definition }, routes })
  const source = oauth({ issuer, clientId: client.id, clientSecret: client.secret })
  const login = await server.login()
  const { accessToken, refreshToken } = login
  await createCredential({ source, store: fileStore({ path: store }), key: 'me' }).login({
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_in: 3600,
  })
  server.expireAccessTokens()
  const code = `const { OPENAI_BASE_URL: url, OPENAI_API_KEY: key } = process.env
    const response = await fetch(url + '/chat/completions', {
      method: 'POST',
      headers: { authorization: 'Bearer ' + key, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] }),
    })
    console.log(response.status, (await response.json()).choices[0].message.content, Object.values(process.env).includes(process.argv[1]))`
  const ended = await run([...js(code), client.secret], { CLIENT_SECRET: client.secret })
  expect(ended).toMatchObject({ code: 0, stdout: '200 Hello from the model. false\n', stderr: '' })
  expect({ redemptions: login.redemptions(), rejections: llm.rejections() }).toEqual({
    redemptions: 1,
    rejections: 1,
  })
}, 60_000)

test('[L1] given a command, when it has ended, then its exit code is ours, its key and its port are gone, and it saw no secret', async () => {
  const { run, seen } = await withRoute()
  const code = `${CALL}
    console.log(JSON.stringify({ url, key, secret: process.env.KEY ?? null, noProxy: process.env.NO_PROXY, text: await response.text() }))
    process.exit(7)`
  const { code: exit, stdout, stderr } = await run(js(code), { KEY, NO_PROXY: 'example.com' })
  expect({ exit, stderr }).toEqual({ exit: 7, stderr: '' })
  const told = JSON.parse(stdout) as Record<string, string>
  expect(told).toMatchObject({ text: 'pong', secret: null, noProxy: 'example.com,127.0.0.1,localhost' })
  expect(told['key']).toMatch(/^sk-/)
  expect(seen).toEqual([`Bearer ${KEY}`])
  await expect(fetch(`${told['url']}/ping`)).rejects.toThrow('fetch failed')
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
  expect(await run(js('console.log(1)'))).toMatchObject({
    code: 125,
    stdout: '',
    stderr: 'llm-refresh: Not logged in as me. Run: llm-refresh login me\n',
  })
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '[L1] given a command that ends itself on %s, when we get the signal, then it gets it, and its exit code is ours',
  async (signal) => {
    const { start } = await withRoute()
    const running = start(
      js(`process.on('${signal}', () => process.exit(9)); console.log('ready'); setInterval(() => {}, 1000)`),
      { KEY },
    )
    await running.until(/ready/)
    running.child.kill(signal)
    expect((await running.ended).code).toBe(9)
  },
)

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

test('[X1] [L1] given a running proxy, when keys come and go, then only requests with one are served, each is audited without a secret, and SIGTERM ends it with 0', async () => {
  const { start, run, seen } = await withRoute()
  const env = { KEY }
  const proxy = start(['proxy', '--port', '0'], env)
  const [, url = ''] = await proxy.until(/"url":"(http:[^"]+)"/)
  await proxy.until(/No client has a key yet/)
  const call = async (key: string): Promise<number> =>
    (await fetch(`${url}/local/ping`, { headers: { authorization: `Bearer ${key}` } })).status
  // The proxy looks at the keys twice a second, and tells nobody but by its responses.
  const becomes = (key: string, status: number): Promise<void> =>
    until(async () => (await call(key)) === status)
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
