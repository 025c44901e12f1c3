import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { machine } from './command.ts'

const SECRET = 'canary-client-secret'
/** The trial `commands` starts twenty. */
const MANY = Number(process.env['COMMANDS'] ?? 4)

/** A token endpoint that answers as it is told, and counts. */
async function endpoint(respond: (n: number) => { status: number; body: object }) {
  let requests = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const { status, body } = respond(++requests)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { tokenEndpoint: `http://127.0.0.1:${port}/token`, count: () => requests }
}

function service(tokenEndpoint: string): object {
  const clientSecret = { env: 'CLIENT_SECRET' }
  return { source: 'oauth', tokenEndpoint, clientId: 'app', clientSecret, grant: 'client_credentials' }
}

const good = (n: number) => ({
  status: 200,
  body: { access_token: `token-${n}`, token_type: 'Bearer', expires_in: 3600 },
})

test('[L2] given a service credential, when a token is asked for, then stdout holds it and nothing else, in each format', async () => {
  const { tokenEndpoint } = await endpoint(good)
  const { run } = await machine({ credentials: { work: service(tokenEndpoint) } })
  const env = { CLIENT_SECRET: SECRET }
  expect(await run(['token', 'work'], env)).toMatchObject({ code: 0, stdout: 'token-1\n', stderr: '' })
  const headers = await run(['token', '--format', 'headers'], env)
  expect(JSON.parse(headers.stdout)).toEqual({ Authorization: 'Bearer token-1' })
  const json = JSON.parse((await run(['token', '--format', 'json'], env)).stdout) as { expires_at: string }
  expect(json).toMatchObject({ access_token: 'token-1', token_type: 'Bearer' })
  expect(Date.parse(json.expires_at)).toBeGreaterThan(Date.now())
})

test('[L2] given a token with less time left than --min-ttl, when it is asked for, then it is refreshed first', async () => {
  const { tokenEndpoint, count } = await endpoint(good)
  const { run } = await machine({ credentials: { work: service(tokenEndpoint) } })
  const env = { CLIENT_SECRET: SECRET }
  await run(['token'], env)
  expect((await run(['token', '--min-ttl', '5m'], env)).stdout).toBe('token-1\n')
  expect((await run(['token', '--min-ttl', '2h'], env)).stdout).toBe('token-2\n')
  expect(count()).toBe(2)
})

test('[L2] [L6] given a good token and a login that has ended, when a longer-lived one is asked for, then the good one is printed with one line that says why, and check reports the end', async () => {
  const { tokenEndpoint } = await endpoint((n) =>
    n === 1 ? good(n) : { status: 400, body: { error: 'invalid_grant' } },
  )
  const grant = { type: 'refresh_token', refreshToken: { env: 'REFRESH_TOKEN' } }
  const { run } = await machine({ credentials: { me: { ...service(tokenEndpoint), grant } } })
  const env = { CLIENT_SECRET: SECRET, REFRESH_TOKEN: 'canary-refresh-token' }
  expect(await run(['token'], env)).toMatchObject({ code: 0, stdout: 'token-1\n', stderr: '' })
  for (const known of ['just refused', 'refused before']) {
    const { code, stdout, stderr } = await run(['token', '--min-ttl', '2h'], env)
    expect({ known, code, stdout }).toEqual({ known, code: 0, stdout: 'token-1\n' })
    expect(stderr).toMatch(
      /^llm-refresh: credentials\.me: the token lives for .* less than --min-ttl, for it could not be refreshed: .*Run: llm-refresh login me\n$/,
    )
  }
  const checked = await run(['check', 'me', '--json'], env)
  expect(checked.code).toBe(3)
  const { findings } = JSON.parse(checked.stdout) as { findings: { level: string }[] }
  expect(findings.filter(({ level }) => level === 'error')).toMatchObject([
    { about: 'credentials.me', code: 'reauthentication_required', fix: 'Run: llm-refresh login me' },
  ])
  expect(await run(['token'], env)).toMatchObject({ code: 0, stderr: '' })
})

test(`[L2] given ${MANY} commands at once, when no token is stored, then one refresh serves them all`, async () => {
  const { tokenEndpoint, count } = await endpoint(good)
  const { runApart } = await machine({ credentials: { work: service(tokenEndpoint) } })
  const ended = await Promise.all(
    Array.from({ length: MANY }, () => runApart(['token'], { CLIENT_SECRET: SECRET })),
  )
  expect(new Set(ended.map(({ stdout }) => stdout))).toEqual(new Set(['token-1\n']))
  expect(count()).toBe(1)
}, 120_000)

test(`[L2] given ${MANY} commands at once, when the endpoint refuses the refresh token, then one request is made, and each ends with the command that mends it`, async () => {
  const { tokenEndpoint, count } = await endpoint(() => ({ status: 400, body: { error: 'invalid_grant' } }))
  const grant = { type: 'refresh_token', refreshToken: { env: 'REFRESH_TOKEN' } }
  const { runApart } = await machine({ credentials: { work: { ...service(tokenEndpoint), grant } } })
  const env = { CLIENT_SECRET: SECRET, REFRESH_TOKEN: 'canary-refresh-token' }
  const ended = await Promise.all(Array.from({ length: MANY }, () => runApart(['token'], env)))
  for (const { code, stdout, stderr } of ended) {
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^llm-refresh: The login work has ended: .*Run: llm-refresh login work\n$/)
    expect(stderr).not.toMatch(/canary/)
  }
  expect(count()).toBe(1)
}, 120_000)

test('[L2] given no login, when a token is asked for, then one line names the command to run, and the exit code is 3', async () => {
  const { run } = await machine({
    credentials: { 'me@work': { source: 'oauth', issuer: 'https://auth.example.com', clientId: 'app' } },
  })
  expect(await run(['token'])).toMatchObject({
    code: 3,
    stdout: '',
    stderr: 'llm-refresh: Not logged in as me@work. Run: llm-refresh login me@work\n',
  })
})

test('[L2] given a server that cannot be reached, when a token is asked for, then the exit code is 4', async () => {
  const { tokenEndpoint } = await endpoint(good)
  const gone = tokenEndpoint.replace(/:\d+/, ':9')
  const { run } = await machine({ credentials: { work: service(gone) } })
  const { code, stdout, stderr } = await run(['token'], { CLIENT_SECRET: SECRET })
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

test.each([
  [{ env: 'NOT_SET' }, 'NOT_SET is not set'],
  [{ file: 'absent' }, 'cannot be read (ENOENT)'],
])(
  '[L4] given a secret whose reference %j leads nowhere, when a token is asked for, then it is named and the exit code is 2',
  async (reference, says) => {
    const { tokenEndpoint } = await endpoint(good)
    const { run } = await machine({
      credentials: { work: { ...service(tokenEndpoint), clientSecret: reference } },
    })
    const { code, stderr } = await run(['token'])
    expect(stderr).toContain(says)
    expect(stderr).toContain('credentials.work.clientSecret')
    expect(code).toBe(2)
  },
)

test('[L3] given secrets by command, file and variable, when tokens are printed and things fail, then no output holds a secret', async () => {
  const { tokenEndpoint } = await endpoint((n) =>
    n === 1 ? good(n) : { status: 400, body: { error: 'invalid_scope', error_description: `no ${SECRET}` } },
  )
  const print = ['printf', '%s\\n', SECRET]
  const { run } = await machine({
    credentials: { work: { ...service(tokenEndpoint), clientSecret: { command: print } } },
  })
  expect(await run(['token'])).toMatchObject({ code: 0, stdout: 'token-1\n' })
  for (const words of [
    ['token', '--min-ttl', '2h'],
    ['status', '--json'],
    ['check', '--json'],
  ]) {
    const { stdout, stderr } = await run(words)
    expect(stdout + stderr).not.toContain(SECRET)
  }
})

test('[L2] given a login of a program that uses the library, when the command shares its store, then it prints a token of that login, and both rotate one family', async () => {
  const server = await startAuthorizationServer({ accessTokenSeconds: 3600 })
  onTestFinished(() => server.close())
  const login = await server.login()
  const { issuer, client } = server
  const definition = { source: 'oauth', issuer, clientId: client.id, clientSecret: { env: 'CLIENT_SECRET' } }
  const { run, store } = await machine({ credentials: { work: definition } })
  const env = { CLIENT_SECRET: client.secret }
  const credential = createCredential({
    source: oauth({ issuer, clientId: client.id, clientSecret: client.secret }),
    store: fileStore({ path: store }),
    key: 'work',
  })
  const { accessToken, refreshToken, expiresIn } = login
  await credential.login({ access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn })
  expect((await run(['token'], env)).stdout).toBe(`${accessToken}\n`)
  const renewed = await run(['token', '--min-ttl', '2h'], env)
  expect(renewed.stdout).not.toBe(`${accessToken}\n`)
  expect(await credential.accessToken({ rejected: accessToken })).toBe(renewed.stdout.trim())
  expect({ redemptions: login.redemptions(), revoked: login.revoked() }).toEqual({
    redemptions: 1,
    revoked: false,
  })
})
