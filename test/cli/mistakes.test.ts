import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as z from 'zod/mini'
import { described, flag, ms, secret } from '../../cli/src/config/fields.ts'
import { parseConfig } from '../../cli/src/config/parse.ts'
import { schema } from '../../cli/src/config/schema.ts'
import { createCredential } from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { freePort } from '../support/free-port.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { machine } from './command.ts'

const ENV = { source: 'env', name: 'KEY' }
const OAUTH = { source: 'oauth', issuer: 'https://auth.example.com', clientId: 'app' }
const route = (given: object): object => ({
  credentials: { work: ENV },
  routes: { api: { credential: 'work', ...given } },
})
const credential = (given: object): object => ({ credentials: { work: given } })

test.each([
  [
    "a base URL with the version that Anthropic's clients add",
    route({ preset: 'anthropic', to: 'https://llm.example.com/a/v1/' }),
    'for the clients of "anthropic" add it. Write "https://llm.example.com/a".',
  ],
  [
    "a base URL with the version that Google's clients add",
    route({ preset: 'google', to: 'https://llm.example.com/v1beta' }),
    'Write "https://llm.example.com".',
  ],
  [
    'the URL of an endpoint for a base URL',
    route({ preset: 'openai-compatible', to: 'https://llm.example.com/v1/chat/completions' }),
    'routes.api.to must be a base URL: clients add the path of what they call. Write "https://llm.example.com/v1".',
  ],
  [
    "the URL of Anthropic's endpoint for a base URL",
    route({ preset: 'anthropic', to: 'https://llm.example.com/v1/messages' }),
    'Write "https://llm.example.com".',
  ],
  [
    'plain http to another host',
    route({ to: 'http://gateway:4000' }),
    'routes.api.to would send the credential in the clear. Use "https://gateway:4000", or, inside a network that you trust, add "plainHttp": true to the route.',
  ],
  [
    'a query',
    route({ to: 'https://llm.example.com/v1?a=b' }),
    'routes.api.to must be a base URL, without a query',
  ],
  [
    'what is no header',
    route({ to: 'https://llm.example.com', apply: 'x key' }),
    'routes.api.apply must be the name of a header',
  ],
  ['a mistyped preset', route({ preset: 'open-ai' }), 'routes.api.preset must be "openai", '],
  ['a mistyped preset', route({ preset: 'open-ai' }), '. Is "openai" meant?'],
  [
    'a field in another case',
    credential({ ...OAUTH, clientId: undefined, clientID: 'app' }),
    'credentials.work.clientID is not known here. Is "clientId" meant?',
  ],
  ['a mistyped source', credential({ source: 'oauth2' }), 'credentials.work.source must be "oauth", '],
  ['no source', credential({}), 'credentials.work.source is missing: it must be "oauth", '],
  [
    'a token for a credential',
    credential(['token']),
    'credentials.work must be an object with "source": "oauth", ',
  ],
  [
    'a mistyped grant',
    credential({ ...OAUTH, grant: 'client_credential' }),
    'credentials.work.grant must be "refresh_token" or "client_credentials". Is "client_credentials" meant?',
  ],
  [
    'a mistyped field of a grant',
    credential({ ...OAUTH, grant: { type: 'token_exchange', subjecttoken: { env: 'T' } } }),
    'credentials.work.grant.subjecttoken is not known here. Is "subjectToken" meant?',
  ],
  [
    'what refers to nothing',
    credential({ ...OAUTH, clientSecret: { environment: 'S' } }),
    'credentials.work.clientSecret is no reference to a secret: write { "env": "NAME" }, ',
  ],
  [
    'a time in words',
    { stores: { default: { type: 'file', lease: '5s' } } },
    'must be a number of milliseconds above 0',
  ],
  ['a port in quotes', { proxy: { port: '8790' } }, 'proxy.port must be a port, a number from 0 to 65535.'],
])(
  '[L4] given %s, when the configuration is read, then one sentence says what to write',
  (_what, config, says) => {
    const text = JSON.stringify({ version: 1, ...config })
    const read = (): unknown => parseConfig({ path: '/c.jsonc' }, text)
    expect(read).toThrow(says)
    expect(read).not.toThrow(/\?\.$/)
  },
)

test.each([
  { preset: 'openai', to: 'https://llm.example.com/v1' },
  { preset: 'openai', to: 'https://llm.example.com' },
  { preset: 'openai', to: 'http://127.0.0.1:4000/v1/' },
  { preset: 'openai-compatible', to: 'https://llm.example.com' },
  { preset: 'anthropic', to: 'https://llm.example.com' },
  { preset: 'openai-compatible', to: 'https://ann.services.ai.azure.com/models' },
  { preset: 'mcp', to: 'https://mcp.example.com/v1/messages' },
  { to: 'http://gateway:4000', plainHttp: true },
])('[L4] given the route %j, when the configuration is read, then it is accepted', (given) => {
  const text = JSON.stringify({ version: 1, ...route(given) })
  expect(parseConfig({ path: '/c.jsonc' }, text).routes).toMatchObject({ api: given })
})

/** Each description, with the last two names of the fields that it stands at. */
function descriptions(node: unknown, at: readonly string[] = []): [string, string][] {
  if (typeof node !== 'object' || node === null) return []
  const own: unknown = Reflect.get(node, 'description')
  const here: [string, string][] = typeof own === 'string' ? [[own, at.slice(-2).join('.')]] : []
  return [
    ...here,
    ...Object.entries(node).flatMap(([name, child]) => {
      const isForm = /^(?:properties|additionalProperties|anyOf|oneOf|items|prefixItems|\d+)$/.test(name)
      return descriptions(child, isForm ? at : [...at, name])
    }),
  ]
}

test('[L4] given the schema for editors, when its fields are described, then each description stands at the fields that it was written for, and a type that fields share has none', () => {
  const found = descriptions(z.toJSONSchema(schema, { io: 'input' }))
  const placed = new Map<string, Set<string>>()
  for (const [text, at] of found) placed.set(text, (placed.get(text) ?? new Set()).add(at))
  for (const [text, at] of placed) {
    const names = new Set([...at].map((each) => each.split('.').at(-1)))
    expect([...names], text).toHaveLength(1)
  }
  const at = (text: string): string[] => [...(placed.get(text) ?? [])]
  expect(at('Other users may write to the folders above, and you trust them.')).toEqual([
    'stores.trustParent',
  ])
  expect(at('"to" is plain http inside a network that you trust.')).toEqual(['routes.plainHttp'])
  expect(at('How long a token lives, in ms. At most 12 hours.')).toEqual(['credentials.lifetime'])
  expect(at('How long the program may take, in ms.')).toEqual(['credentials.timeout'])
  expect(at('postgres://. It is a reference, for it may hold a password.')).toEqual(['stores.url'])
  for (const shared of [flag, ms, secret]) {
    described(shared, 'of one field')
    expect(z.globalRegistry.get(shared)).toBeUndefined()
  }
})

/** An authorization server that knows one client; `refuses` it from now on. */
async function authorizationServer() {
  let refuses = false
  let issued = 0
  const server = await startRecordingServer(({ path }, response) => {
    response.setHeader('content-type', 'application/json')
    if (path === '/token' && refuses)
      response.writeHead(401).end('{"error":"invalid_client","error_description":"no such secret"}')
    else if (path === '/token')
      response.end(
        JSON.stringify({ access_token: `token-${++issued}`, token_type: 'Bearer', expires_in: 3600 }),
      )
    else response.writeHead(404).end()
  })
  onTestFinished(() => server.close())
  const work = {
    source: 'oauth',
    tokenEndpoint: `${server.origin}/token`,
    clientId: 'app',
    clientSecret: { env: 'CLIENT_SECRET' },
    grant: 'client_credentials',
  }
  const refuse = (): void => {
    refuses = true
  }
  return { ...server, work, refuse }
}

test('[L6] given a service whose server has another name for itself, when it is checked, then that is one finding, and its remedy is that name', async () => {
  const other = 'https://login.example.com'
  const { origin, close } = await startRecordingServer((_request, response) => {
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ issuer: other, token_endpoint: other }))
  })
  onTestFinished(close)
  const { work } = await authorizationServer()
  const { run } = await machine({
    credentials: { work: { ...work, issuer: origin, tokenEndpoint: undefined } },
  })
  const { findings } = JSON.parse((await run(['check', '--json'], SET)).stdout) as {
    findings: { level: string }[]
  }
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([
    expect.objectContaining({
      about: 'credentials.work',
      code: 'discovery',
      fix: `Check credentials.work.issuer: if that server is meant, set it to "${other}".`,
    }),
  ])
})

const SET = { CLIENT_SECRET: 'canary-secret' }

test('[L6] given routes to a server, to a port without one and to the API of another vendor, when they are checked, then each gets one request without the credential, and each problem is named by its field', async () => {
  const { origin, requests } = await startRecordingServer((_request, response) =>
    response.writeHead(401).end(),
  )
  const dead = `http://127.0.0.1:${await freePort()}`
  const routes = {
    good: { preset: 'openai', to: `${origin}/v1`, credential: 'work' },
    host: { preset: 'openai', to: origin, credential: 'work' },
    dead: { to: dead, credential: 'work' },
    // A fetch refuses to ask this port; the proxy asks it.
    blocked: { to: 'http://127.0.0.1:1', credential: 'work' },
    other: { preset: 'anthropic', to: 'https://api.openai.com', credential: 'work' },
  }
  const { run } = await machine({ credentials: { work: ENV }, routes })
  const env = { KEY: 'canary-key', HTTPS_PROXY: dead }
  const { code, stdout } = await run(['check', '--json'], env)
  const { findings } = JSON.parse(stdout) as { findings: { about: string | null; fix: string | null }[] }
  expect(findings.filter(({ about }) => about?.startsWith('routes.'))).toEqual([
    {
      about: 'routes.good',
      code: 'upstream',
      level: 'ok',
      message: `${new URL(origin).host} responds; /chat/completions goes to ${origin}/v1/chat/completions.`,
      fix: null,
    },
    expect.objectContaining({
      about: 'routes.host',
      message: `${new URL(origin).host} responds; /chat/completions goes to ${origin}/v1/chat/completions.`,
    }),
    expect.objectContaining({
      about: 'routes.dead',
      code: 'upstream_unreachable',
      message: `${new URL(dead).host} cannot be reached (ECONNREFUSED).`,
      fix: expect.stringContaining('Check routes.dead.to'),
    }),
    expect.objectContaining({
      about: 'routes.blocked',
      code: 'upstream_unreachable',
      message: '127.0.0.1:1 cannot be reached (ECONNREFUSED).',
    }),
    // It is asked through the proxy of this machine, where nobody listens.
    expect.objectContaining({ about: 'routes.other', code: 'upstream_unreachable' }),
    expect.objectContaining({
      code: 'preset_misfit',
      level: 'warning',
      fix: expect.stringContaining('"openai"'),
    }),
  ])
  expect(requests.map(({ method, path, headers }) => [method, path, headers.authorization])).toEqual([
    ['GET', '/v1', undefined],
    ['GET', '/', undefined],
  ])
  expect(code).toBe(1)
})

test.each([
  ['a Redis that is down', async () => ({ type: 'redis', url: { env: 'REDIS_URL' } })],
  ['a folder that cannot be made', async () => ({ type: 'file', path: '../file/store' })],
])(
  '[L2] [L6] given a service and %s, when a token is asked for, then it is printed, a line on stderr reports the store, and the check finds the problem once',
  async (_what, store) => {
    const { work } = await authorizationServer()
    const at = await machine({ stores: { default: await store() }, credentials: { work } })
    await writeFile(join(at.folder, 'file'), '')
    const env = { ...SET, REDIS_URL: `redis://127.0.0.1:${await freePort()}` }
    const [asked, checked] = await Promise.all([at.run(['token'], env), at.run(['check', '--json'], env)])
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringMatching(/^token-\d\n$/) })
    expect(asked.stderr).toBe(
      'llm-refresh: stores.default did not take the token of credentials.work: the next command asks for another one. Run: llm-refresh check work\n',
    )
    const { findings } = JSON.parse(checked.stdout) as { findings: { level: string }[] }
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([
      expect.objectContaining({ about: 'stores.default', fix: expect.stringContaining('Mend the store: ') }),
    ])
  },
  60_000,
)

test('[L1] given a service, when it is logged out, then its token is gone, status says so, and the next use gets a new one; when a program has logged it out, then token and status name the login that mends it', async () => {
  const { work } = await authorizationServer()
  const { run, store } = await machine({ credentials: { work } })
  expect((await run(['token'], SET)).stdout).toBe('token-1\n')
  expect(await run(['logout'], SET)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('needs no login'),
  })
  expect(await run(['status'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^work: empty/) })
  expect((await run(['token'], SET)).stdout).toBe('token-2\n')
  const source = { issue: () => Promise.reject(new Error('is never asked')) }
  await createCredential({ source, store: fileStore({ path: store }), key: 'work' }).logout()
  const mending = 'llm-refresh login work'
  expect(await run(['token'], SET)).toMatchObject({ code: 3, stderr: expect.stringContaining(mending) })
  expect(await run(['status'])).toMatchObject({ code: 3, stdout: expect.stringContaining(mending) })
  expect(await run(['login'], SET)).toMatchObject({ code: 0 })
  expect((await run(['token'], SET)).stdout).toBe('token-3\n')
}, 60_000)

test('[L2] given a client that the server refuses, when commands run one after another, then each names the credential and the check command, even for a stored failure', async () => {
  const { work, origin, refuse } = await authorizationServer()
  refuse()
  const routes = { api: { to: origin, credential: 'work' } }
  const { run } = await machine({ credentials: { work }, routes })
  const said = /^llm-refresh: credentials\.work: .* Run: llm-refresh check work\n$/
  for (const words of [['token'], ['run', '--', 'true'], ['token'], ['token']])
    expect((await run(words, SET)).stderr, words.join(' ')).toMatch(said)
  expect((await run(['status'])).stdout).toContain('source_refused')
  expect((await run(['status'])).stdout).toContain('run: llm-refresh check work')
}, 60_000)

/** A proxy of the machine that does this with each connection that asks it for a tunnel. */
async function machineProxy(does: (socket: Socket) => void): Promise<{ url: string; tunnels: () => number }> {
  let tunnels = 0
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      tunnels++
      does(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tunnels: () => tunnels }
}
const AFAR = {
  credentials: {
    work: {
      source: 'oauth',
      tokenEndpoint: 'https://auth.invalid/token',
      clientId: 'app',
      clientSecret: { env: 'SECRET' },
      grant: 'client_credentials',
    },
  },
}

test.each([
  [
    'wants a login',
    (socket: Socket) => socket.end('HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n'),
    'responded 407 and let nothing through: it demands a name and a password',
  ],
  ['breaks off', (socket: Socket) => socket.destroy(), 'broke off the connection and let nothing through'],
])(
  '[L1] [E1] given a proxy of the machine that %s, when a token is asked for, then few tunnels are asked for, and one line names the proxy',
  async (_, does, says) => {
    const { url, tunnels } = await machineProxy(does)
    const { run } = await machine(AFAR)
    const { code, stderr } = await run(['token'], { SECRET: 's', HTTPS_PROXY: url })
    expect([code, stderr.trimEnd().split('\n').length]).toEqual([4, 1])
    expect(stderr).toContain(`(the proxy of this machine ${says}`)
    expect(tunnels()).toBeLessThanOrEqual(3)
  },
  30_000,
)

test('[L1] given a NO_PROXY for every host, when a token is asked for, then the machine’s proxy gets no request', async () => {
  const { url, tunnels } = await machineProxy((socket) => socket.destroy())
  const { run } = await machine(AFAR)
  const { code } = await run(['token'], { SECRET: 's', HTTPS_PROXY: url, NO_PROXY: '*' })
  expect([code, tunnels()]).toEqual([4, 0])
}, 30_000)

test.each([
  { words: ['token'], code: 2 },
  { words: ['run', '--', 'true'], code: 125 },
])(
  '[L4] given a proxy variable that holds no URL, when $words runs, then one line names it',
  async ({ words, code }) => {
    const routes = { api: { to: 'https://llm.example.com', credential: 'work' } }
    const { work } = await authorizationServer()
    const { run } = await machine({ credentials: { work }, routes })
    expect(await run(words, { ...SET, HTTPS_PROXY: 'proxy:3128' })).toMatchObject({
      code,
      stderr: expect.stringContaining('HTTPS_PROXY holds no http URL. Set HTTPS_PROXY to a URL'),
    })
  },
)

test.each([
  {
    what: 'more fields than it may have',
    text: `{"version":1,"x":{${Array.from({ length: 4_100 }, (_, n) => `"f${n}":1`).join(',')}}}`,
    says: '/c.jsonc has more than 4000 fields.',
  },
  {
    what: 'a name as long as the file',
    text: `{"version":1,"${'a'.repeat(100_000)}":1}`,
    says: `/c.jsonc:1:14: ["${'a'.repeat(80)}…"] is not known here. Known are: $schema, version, stores, credentials, routes, proxy.`,
  },
])(
  '[L4] given a configuration with $what, when it is read, then one short sentence says so',
  ({ text, says }) => {
    expect(() => parseConfig({ path: '/c.jsonc' }, text)).toThrow(
      expect.objectContaining({ message: says, exitCode: 2 }),
    )
  },
)
