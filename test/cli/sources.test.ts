import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { metadataOf, SERVER_METADATA, startPlace, startWorld } from '../sources/mcp-world.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { machine } from './command.ts'

const SUBJECT = 'canary-subject'

/** A token endpoint that counts what it issues. */
async function endpoint() {
  let issued = 0
  const server = await startRecordingServer((_request, response) => {
    const expires_on = String(Math.floor(Date.now() / 1000) + 3600)
    const token = { access_token: `token-${++issued}`, token_type: 'Bearer', expires_in: 3600, expires_on }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ...token, issued_token_type: 'x', resource: 'r' }))
  })
  onTestFinished(() => server.close())
  return server
}

test('[L1] given a workload with a subject token in a file, when tokens are asked for, then one exchange serves them all, and the subject token is read anew', async () => {
  const server = await endpoint()
  const ci = {
    source: 'workload',
    for: { tokenEndpoint: `${server.origin}/token`, clientId: 'app', scope: 'all-apis' },
    subjectToken: { file: 'subject' },
  }
  const { run, folder } = await machine({ credentials: { ci } })
  await writeFile(join(folder, 'config', 'subject'), `${SUBJECT}\n`)
  expect(await run(['token'])).toMatchObject({ code: 0, stdout: 'token-1\n', stderr: '' })
  expect((await run(['token'])).stdout).toBe('token-1\n')
  await writeFile(join(folder, 'config', 'subject'), 'another\n')
  expect((await run(['token', '--min-ttl', '2h'])).stdout).toBe('token-2\n')
  const bodies = server.requests.map(({ body }) => new URLSearchParams(body.toString()))
  expect(bodies.map((body) => body.get('subject_token'))).toEqual([SUBJECT, 'another'])
  expect(bodies[0]?.get('scope')).toBe('all-apis')
})

test("[L1] given a workload at a vendor's endpoint, when a token is asked for, then the vendor's fields are sent", async () => {
  const server = await endpoint()
  const ci = {
    source: 'workload',
    for: 'anthropic',
    federationRuleId: 'fdrl_1',
    organizationId: 'org',
    baseURL: server.origin,
    subjectToken: { env: 'SUBJECT' },
  }
  const { run } = await machine({ credentials: { ci } })
  expect(await run(['token'], { SUBJECT })).toMatchObject({ code: 0, stdout: 'token-1\n' })
  expect(server.requests[0]?.path).toBe('/v1/oauth/token')
  expect(JSON.parse(server.requests[0]?.body.toString() ?? '')).toMatchObject({
    federation_rule_id: 'fdrl_1',
    assertion: SUBJECT,
  })
})

test('[L1] given Google credentials of the machine, when a token is asked for, then google-auth-library gets it', async () => {
  const server = await endpoint()
  const { run, folder } = await machine({ credentials: { vertex: { source: 'google', scopes: 'a' } } })
  await writeFile(join(folder, 'subject'), SUBJECT)
  const adc = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${server.origin}/token`,
    credential_source: { file: join(folder, 'subject') },
  }
  await writeFile(join(folder, 'adc.json'), JSON.stringify(adc))
  const env = { GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'adc.json'), GOOGLE_CLOUD_PROJECT: 'p' }
  expect(await run(['token'], env)).toMatchObject({ code: 0, stdout: 'token-1\n' })
  expect((await run(['token'], env)).stdout).toBe('token-1\n')
  expect(new URLSearchParams(server.requests[0]?.body.toString()).get('scope')).toBe('a')
})

test('[L1] given a managed identity of Azure, when a token is asked for, then @azure/identity gets it', async () => {
  const server = await endpoint()
  const { run } = await machine({ credentials: { azure: { source: 'azure' } } })
  const env = { IDENTITY_ENDPOINT: `${server.origin}/msi`, IDENTITY_HEADER: 'canary-header' }
  expect(await run(['token'], env)).toMatchObject({ code: 0, stdout: 'token-1\n' })
  expect((await run(['token'], env)).stdout).toBe('token-1\n')
})

test('[L1] given keys of AWS, when a token is asked for, then it is signed here and stored', async () => {
  const bedrock = { source: 'aws', region: 'eu-west-1', lifetime: 900_000 }
  const { run } = await machine({ credentials: { bedrock } })
  const env = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'canary-key' }
  const first = await run(['token'], env)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(atob(first.stdout.trim().replace(/^bedrock-api-key-/, ''))).toContain('X-Amz-Expires=900&')
  expect((await run(['token'], env)).stdout).toBe(first.stdout)
})

const ANTHROPIC = { source: 'workload', for: 'anthropic', subjectToken: { env: 'SUBJECT' } }

test.each([
  [ANTHROPIC, 'needs "federationRuleId" for "anthropic"'],
  [
    { ...ANTHROPIC, federationRuleId: 'a', organizationId: 'b', identityProviderId: 'c' },
    'credentials.ci.identityProviderId is not known for "anthropic"',
  ],
  [{ ...ANTHROPIC, for: 'vendor' }, 'credentials.ci.for must be "anthropic", "openai" or the endpoint'],
  [{ ...ANTHROPIC, subjectToken: 'canary' }, 'credentials.ci.subjectToken is a secret'],
  [{ source: 'mcp' }, 'credentials.ci.url is missing'],
  [
    { source: 'mcp', url: 'https://mcp.example.com', grant: 'client_credentials' },
    'needs "clientId": only the login',
  ],
  [{ source: 'google', scope: 'a' }, 'Is "scopes" meant?'],
  [{ source: 'aws', lifetime: '1h' }, 'credentials.ci.lifetime must be a number of milliseconds'],
])('[L4] given the credential %j, when it is read, then the message says %s', async (ci, says) => {
  const { run } = await machine({ credentials: { ci } })
  const { code, stderr } = await run(['status'])
  expect(stderr).toContain(says)
  expect(stderr).not.toContain('canary')
  expect(code).toBe(2)
})

test('[L1] [A6] given an unknown MCP server, when a person logs in, then the command registers a client, tokens are refreshed, and a logout revokes them at the server that issued them', async () => {
  const { api, auth, url } = await startWorld()
  auth.routes.set(SERVER_METADATA, {
    body: metadataOf(auth.origin, {
      registration_endpoint: `${auth.origin}/register`,
      revocation_endpoint: `${auth.origin}/revoke`,
    }),
  })
  auth.routes.set('/register', ({ body }) => ({
    status: 201,
    body: { ...JSON.parse(body.toString()), client_id: 'c1' },
  }))
  auth.routes.set('/revoke', {})
  api.routes.set('/mcp', { status: 401 })
  const { begin, run } = await machine({ credentials: { notes: { source: 'mcp', url } } })
  expect(await run(['token'])).toMatchObject({
    code: 3,
    stderr: 'llm-refresh: Not logged in as notes. Run: llm-refresh login notes\n',
  })
  const login = begin(['login', 'notes'], { SSH_CONNECTION: '1' })
  const [, link = ''] = await login.until(/browser: (\S+)\n/)
  const { searchParams } = new URL(link)
  const back = new URL(searchParams.get('redirect_uri') ?? '')
  expect(login.printed()).toContain(`ssh -L ${back.port}:127.0.0.1:${back.port}`)
  const fields = { code: 'canary-code', state: searchParams.get('state') ?? '', iss: auth.origin }
  await fetch(`${back.href}?${new URLSearchParams(fields).toString()}`)
  expect(await login.ended).toMatchObject({ code: 0 })
  expect((await run(['token'])).stdout).toBe('a2\n')
  const [status] = JSON.parse((await run(['status', '--json'])).stdout) as object[]
  expect(status).toMatchObject({ source: 'mcp', state: 'valid', canRefresh: true })
  expect(await run(['check', '--json'])).toMatchObject({ code: 0 })
  expect(await run(['logout'])).toMatchObject({ code: 0, stderr: 'Logged out of notes.\n' })
  expect(auth.posted('/revoke')).toMatchObject([{ token: 'r2', client_id: 'c1' }, { token: 'a2' }])
}, 60_000)

test('[L4] given an MCP server, when a code for another device is asked for, then one line says that it needs a browser', async () => {
  const place = await startPlace()
  const { run } = await machine({ credentials: { notes: { source: 'mcp', url: `${place.origin}/mcp` } } })
  const { code, stderr } = await run(['login', '--device'])
  expect(stderr).toBe('llm-refresh: The login at an MCP server needs a browser. Leave --device out.\n')
  expect(code).toBe(2)
})
