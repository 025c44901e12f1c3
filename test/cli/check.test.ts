import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { type AccessToken, createCredential, type TokenResponse } from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { metadataOf, type Place, SERVER_METADATA, startPlace, startWorld } from '../sources/mcp-world.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { machine, type Machine } from './command.ts'

interface Told {
  readonly about: string | null
  readonly code: string
  readonly level: 'ok' | 'warning' | 'error'
  readonly message: string
  readonly fix: string | null
}

const SECRET = 'canary-client-secret'
const ENV = { source: 'env', name: 'KEY' }

/** A server whose metadata are good, and which issues tokens. */
async function goodServer(): Promise<Place> {
  const place = await startPlace()
  const { origin, routes } = place
  routes.set(SERVER_METADATA, {
    body: metadataOf(origin, { device_authorization_endpoint: `${origin}/device` }),
  })
  routes.set('/token', { body: { access_token: 'a', token_type: 'Bearer', expires_in: 3600 } })
  return place
}

function service({ origin }: { readonly origin: string }, more: object = {}): object {
  const clientSecret = { env: 'CLIENT_SECRET' }
  return {
    source: 'oauth',
    issuer: origin,
    clientId: 'app',
    clientSecret,
    grant: 'client_credentials',
    ...more,
  }
}

const MCP = { source: 'mcp', url: 'http://127.0.0.1:9/mcp' }

const atMcp = (issuer: string): AccessToken => ({
  accessToken: 'a',
  refreshToken: 'b',
  expiresAt: Date.now() + 3_600_000,
  extra: { mcp: { issuer, client: 'app' } },
})

/** A login that is in the machine's store. */
async function loggedIn({ store }: Machine, token: AccessToken | TokenResponse): Promise<void> {
  const source = { issue: () => Promise.reject(new Error('is never asked')) }
  await createCredential({ source, store: fileStore({ path: store }), key: 'work' }).login(token)
}

/** A machine with one fault, and what else its environment holds. */
interface Prepared {
  readonly on: Machine
  readonly env?: NodeJS.ProcessEnv
}

/** What is wrong, what is found and how it is mended. */
interface Fault {
  readonly fault: string
  readonly prepare: () => Promise<Prepared>
  readonly code: string
  readonly level?: 'warning'
  readonly message: string
  readonly fix: string
}

const faults: readonly Fault[] = [
  {
    fault: 'a mistyped field in the configuration',
    prepare: async () => ({ on: await machine({ credentials: { work: { ...ENV, nmae: 'KEY' } } }) }),
    code: 'configuration',
    message: 'credentials.work.nmae is not known here. Is "name" meant?',
    fix: 'Mend that field.',
  },
  {
    fault: 'a clock that goes wrong',
    prepare: async () => {
      const place = await goodServer()
      const date = new Date(Date.now() + 600_000).toUTCString()
      place.routes.set(SERVER_METADATA, { headers: { date }, body: metadataOf(place.origin) })
      return { on: await machine({ credentials: { work: service(place) } }) }
    },
    code: 'clock',
    level: 'warning',
    message: 'is 10 min behind the server',
    fix: 'Synchronise it (NTP)',
  },
  {
    fault: 'a store that others may write to',
    prepare: async () => {
      const on = await machine({
        stores: { default: { type: 'file', path: '../shared/store' } },
        credentials: { work: ENV },
      })
      await mkdir(join(on.folder, 'shared'))
      await chmod(join(on.folder, 'shared'), 0o777)
      return { on }
    },
    code: 'store_failed',
    message: 'shared',
    fix: 'Mend the store: its folder',
  },
  {
    fault: 'a lock that a process does not give back',
    prepare: async () => {
      let arrived = (): void => undefined
      const asked = new Promise<void>((resolve) => (arrived = resolve))
      const silent = await startRecordingServer(() => arrived())
      onTestFinished(() => silent.close())
      const tokenEndpoint = `${silent.origin}/token`
      const work = service(silent, { issuer: undefined, tokenEndpoint })
      const on = await machine({ credentials: { work } })
      on.start(['token'], { CLIENT_SECRET: SECRET })
      await asked
      return { on }
    },
    code: 'locked',
    message: 'The lock of work is not free within 8 s: process ',
    fix: 'If it hangs, end it on ',
  },
  {
    fault: 'a proxy variable that holds no URL',
    prepare: async () => ({
      on: await machine({ credentials: { work: ENV } }),
      env: { HTTPS_PROXY: 'proxy.example.com:3128' },
    }),
    code: 'proxy_invalid',
    message: 'HTTPS_PROXY holds no http URL.',
    fix: 'Set HTTPS_PROXY to a URL, such as http://proxy.example.com:3128',
  },
  {
    fault: 'a proxy that nobody runs',
    prepare: async () => ({
      on: await machine({ credentials: { work: service({ origin: 'https://auth.example.com' }) } }),
      env: { HTTPS_PROXY: 'http://127.0.0.1:1' },
    }),
    code: 'discovery',
    message:
      'auth.example.com cannot be reached (ECONNREFUSED at 127.0.0.1:1: is the proxy of this machine up?)',
    fix: 'the network and the proxy variables',
  },
  {
    fault: 'a file of CAs that is not there',
    prepare: async () => ({
      on: await machine({ credentials: { work: ENV } }),
      env: { NODE_EXTRA_CA_CERTS: '/absent/ca.pem' },
    }),
    code: 'ca_unreadable',
    message: 'NODE_EXTRA_CA_CERTS names /absent/ca.pem, which cannot be read (ENOENT)',
    fix: 'Set it to a file of certificates in PEM',
  },
  {
    fault: 'a server whose CA nobody knows',
    prepare: async () => {
      const { origin } = await selfSigned()
      return { on: await machine({ credentials: { work: service({ origin }) } }) }
    },
    code: 'discovery',
    message: 'cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT)',
    fix: 'behind a CA of your own, set NODE_EXTRA_CA_CERTS',
  },
  {
    fault: 'an issuer without metadata',
    prepare: async () => {
      const place = await startPlace()
      return { on: await machine({ credentials: { work: service(place) } }) }
    },
    code: 'discovery',
    message: 'has no metadata (404)',
    fix: 'Check credentials.work.issuer',
  },
  {
    fault: 'an issuer under another name',
    prepare: async () => {
      const place = await goodServer()
      place.routes.set(SERVER_METADATA, { body: metadataOf('https://login.example.com') })
      return { on: await machine({ credentials: { work: service(place) } }) }
    },
    code: 'discovery',
    message: 'name another issuer, "https://login.example.com"',
    fix: 'Check credentials.work.issuer',
  },
  {
    fault: 'a client that the server does not know',
    prepare: async () => {
      const place = await goodServer()
      place.routes.set('/token', { status: 401, body: { error: 'invalid_client' } })
      return { on: await machine({ credentials: { work: service(place) } }) }
    },
    code: 'source_refused',
    message: 'invalid_client',
    fix: 'Check the client, its secret and its grant in credentials.work',
  },
  {
    fault: 'a token endpoint that is a page for people',
    prepare: async () => {
      const place = await goodServer()
      place.routes.set('/token', {
        headers: { 'content-type': 'text/html' },
        body: '<!doctype html><html><body>Welcome</body></html>',
      })
      return { on: await machine({ credentials: { work: service(place) } }) }
    },
    code: 'source_unavailable',
    message: 'responded with a page, not with JSON',
    fix: 'Check credentials.work.issuer or credentials.work.tokenEndpoint, and the proxies in between.',
  },
  {
    fault: 'a secret that leads nowhere',
    prepare: async () => {
      const place = await goodServer()
      const clientSecret = { env: 'NOT_SET' }
      return { on: await machine({ credentials: { work: service(place, { clientSecret }) } }) }
    },
    code: 'invalid_option',
    message: 'credentials.work.clientSecret: the environment variable NOT_SET is not set',
    fix: 'Change credentials.work in the configuration, or set what it refers to.',
  },
  {
    fault: 'nobody logged in',
    prepare: async () => {
      const place = await goodServer()
      return { on: await machine({ credentials: { work: service(place, { grant: undefined }) } }) }
    },
    code: 'reauthentication_required',
    message: 'log',
    fix: 'Run: llm-refresh login work',
  },
  {
    fault: 'a login without a refresh token',
    prepare: async () => {
      const place = await goodServer()
      const on = await machine({ credentials: { work: service(place, { grant: undefined }) } })
      await loggedIn(on, { access_token: 'a', expires_in: 3600 })
      return { on }
    },
    code: 'no_refresh_token',
    level: 'warning',
    message: 'The login brought no refresh token',
    fix: 'Set "scope": "openid offline_access" in credentials.work.',
  },
  {
    fault: 'the same, though offline_access was asked for',
    prepare: async () => {
      const place = await goodServer()
      const on = await machine({
        credentials: { work: service(place, { grant: undefined, scope: 'openid offline_access' }) },
      })
      await loggedIn(on, { access_token: 'a', expires_in: 3600 })
      return { on }
    },
    code: 'no_refresh_token',
    level: 'warning',
    message: 'The login brought no refresh token',
    fix: 'asks for offline_access already: at the server, allow that scope and the grant refresh_token for this client. Then run: llm-refresh login work',
  },
  {
    fault: 'a login without a refresh token whose access token has expired',
    prepare: async () => {
      const place = await goodServer()
      const on = await machine({ credentials: { work: service(place, { grant: undefined }) } })
      await loggedIn(on, { accessToken: 'a', expiresAt: 1 })
      return { on }
    },
    code: 'reauthentication_required',
    message: 'The last login brought no refresh token',
    fix: 'Run: llm-refresh login work',
  },
  {
    fault: 'a login at an MCP server whose authorization server is gone',
    prepare: async () => {
      const on = await machine({ credentials: { work: MCP } })
      await loggedIn(on, atMcp('http://127.0.0.1:9'))
      return { on }
    },
    code: 'discovery',
    message: '127.0.0.1:9 cannot be reached',
    fix: 'If the server has moved, log in again.',
  },
  {
    fault: 'a login at an MCP server, and a clock that goes wrong',
    prepare: async () => {
      const place = await goodServer()
      const date = new Date(Date.now() - 600_000).toUTCString()
      place.routes.set(SERVER_METADATA, { headers: { date }, body: metadataOf(place.origin) })
      const on = await machine({ credentials: { work: MCP } })
      await loggedIn(on, atMcp(place.origin))
      return { on }
    },
    code: 'clock',
    level: 'warning',
    message: 'is 10 min ahead of the server',
    fix: 'Synchronise it (NTP)',
  },
  {
    fault: 'a login at an MCP server that was imported, and a clock that goes wrong',
    prepare: async () => {
      const { api, auth, url } = await startWorld()
      const date = new Date(Date.now() - 600_000).toUTCString()
      auth.routes.set(SERVER_METADATA, { headers: { date }, body: metadataOf(auth.origin) })
      const on = await machine({ credentials: { work: { ...MCP, url } } })
      await loggedIn(on, { accessToken: 'a', refreshToken: 'b', expiresAt: Date.now() + 3_600_000 })
      expect(api.asked('/mcp')).toBe(0)
      return { on }
    },
    code: 'clock',
    level: 'warning',
    message: 'is 10 min ahead of the server',
    fix: 'Synchronise it (NTP)',
  },
]

test.each(faults)(
  '[L6] given $fault, when it is checked, then the check finds it, names its remedy, and shows no secret',
  async ({ prepare, code, level = 'error', message, fix }) => {
    const { on, env = {} } = await prepare()
    const ended = await on.run(['check', '--json'], { CLIENT_SECRET: SECRET, KEY: 'a-key', ...env })
    const { ok, findings } = JSON.parse(ended.stdout) as { ok: boolean; findings: Told[] }
    const found = findings.find((finding) => finding.code === code && finding.level === level)
    expect(found, ended.stdout).toMatchObject({
      message: expect.stringContaining(message),
      fix: expect.stringContaining(fix),
    })
    for (const { level: its, fix: mending } of findings) expect(mending === null).toBe(its === 'ok')
    expect(ok).toBe(level === 'warning')
    const codes: Readonly<Record<string, number>> = { configuration: 2, reauthentication_required: 3 }
    expect(ended.code).toBe(level === 'warning' ? 0 : (codes[code] ?? 1))
    expect(ended.stdout).not.toContain(SECRET)
  },
  60_000,
)

test('[L6] given an empty https_proxy and an HTTPS_PROXY, when the machine is checked, then the check names no proxy, because none is used', async () => {
  const place = await goodServer()
  const { run } = await machine({ credentials: { work: service(place) } })
  const env = { CLIENT_SECRET: SECRET, HTTPS_PROXY: 'http://127.0.0.1:1' }
  expect((await run(['check'], env)).stdout).toContain('HTTPS_PROXY leads requests')
  const { code, stdout } = await run(['check'], { ...env, https_proxy: '' })
  expect(code).toBe(0)
  expect(stdout).not.toContain('HTTPS_PROXY')
}, 60_000)

test('[L6] given a CA that Node does not know, when the person follows the named remedy, then the check succeeds; without --json the remedy stands below each finding', async () => {
  const { origin, certificate } = await selfSigned()
  const { run, runApart } = await machine({ credentials: { work: service({ origin }) } })
  const amiss = await run(['check'], { CLIENT_SECRET: SECRET })
  expect(amiss.stdout).toMatch(/\nerror {3}credentials\.work: .*\n {8}Check .*NODE_EXTRA_CA_CERTS/)
  const mended = await runApart(['check'], { CLIENT_SECRET: SECRET, NODE_EXTRA_CA_CERTS: certificate })
  expect(mended).toMatchObject({ code: 0, stdout: expect.stringContaining('There is a token') })
}, 60_000)

/** A good server behind a certificate that nothing vouches for. */
async function selfSigned(): Promise<{ origin: string; certificate: string }> {
  const { folder } = await machine()
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost'
  const name = ['-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', key, '-out', certificate]
  await promisify(execFile)('openssl', [...words.split(' '), ...name, ...files])
  let origin = ''
  const server = createServer(
    { key: await readFile(key), cert: await readFile(certificate) },
    (request, response) => {
      const isToken = request.url === '/token'
      const token = { access_token: 'a', token_type: 'Bearer', expires_in: 3600 }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(isToken ? token : metadataOf(origin)))
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, certificate }
}

test('[L6] given a login without a refresh token, when the token is valid, then status says so; when it has expired, then status ends with 3, as check and token do', async () => {
  const place = await goodServer()
  const on = await machine({ credentials: { work: service(place, { grant: undefined }) } })
  const env = { CLIENT_SECRET: SECRET }
  await loggedIn(on, { access_token: 'a', expires_in: 3600 })
  const valid = await on.run(['status'], env)
  expect(valid).toMatchObject({ code: 0, stdout: expect.stringContaining('there is no refresh token') })
  await loggedIn(on, { accessToken: 'a', expiresAt: 1 })
  const { code, stdout } = await on.run(['status'], env)
  expect(stdout).toMatch(
    /^work: login needed · the login brought no refresh token, and it expired .* run: llm-refresh login work\n$/,
  )
  expect(code).toBe(3)
  expect(await on.run(['token'], env)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('The login work has ended: The last login brought no refresh token'),
  })
  expect((await on.run(['check'], env)).code).toBe(3)
  const seed = { type: 'refresh_token', refreshToken: { env: 'SEED' } }
  await on.write({ credentials: { work: service(place, { grant: seed }) } })
  expect((await on.run(['status'], env)).stdout).toMatch(/^work: expired/)
}, 60_000)

test('[L6] given one account, when its store is checked, then the message counts one account', async () => {
  const on = await machine({ credentials: { work: ENV } })
  await loggedIn(on, { accessToken: 'a', expiresAt: Date.now() + 3_600_000 })
  expect((await on.run(['check'], { KEY: 'a-key' })).stdout).toContain('it holds 1 account.')
})
