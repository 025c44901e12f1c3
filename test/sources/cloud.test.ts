import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { ManagedIdentityCredential } from '@azure/identity'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createCredential, type Source } from '../../src/index.ts'
import { aws } from '../../src/sources/aws.ts'
import { azure } from '../../src/sources/azure.ts'
import { google } from '../../src/sources/google.ts'

const context = {
  current: undefined,
  challenge: undefined,
  signal: new AbortController().signal,
  sent: () => undefined,
}
const code = (expected: string): unknown => expect.objectContaining({ code: expected })

/** The cloud endpoint's next response. */
let answer: (request: IncomingMessage) => { status: number; body: unknown; headers?: Record<string, string> }
let asked: { url: string; body: string; headers: IncomingMessage['headers'] }[]
let server: Server
let origin: string
let folder: string

beforeEach(async () => {
  asked = []
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    asked.push({ url: request.url ?? '', body, headers: request.headers })
    const { status, body: said, headers } = answer(request)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof said === 'string' ? said : JSON.stringify(said))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  folder = await mkdtemp(join(tmpdir(), 'llm-refresh-cloud-'))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

describe('google', () => {
  beforeEach(async () => {
    await writeFile(join(folder, 'subject'), 'canary-subject')
    const adc = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${origin}/token`,
      credential_source: { file: join(folder, 'subject') },
    }
    await writeFile(join(folder, 'adc.json'), JSON.stringify(adc))
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(folder, 'adc.json'))
    vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'a-project')
  })

  test('[K7] given application default credentials, when two tokens are issued, then google-auth-library requests each one anew', async () => {
    let issued = 0
    answer = () => ({
      status: 200,
      body: {
        access_token: `token-${++issued}`,
        expires_in: 3600,
        token_type: 'Bearer',
        issued_token_type: 'x',
      },
    })
    const token = createCredential({ source: google() })
    const first = await token.snapshot()
    const second = await token.refresh(first)
    expect([first.value.accessToken, second.value.accessToken]).toEqual(['token-1', 'token-2'])
    expect((second.expiresAt ?? 0) - Date.now()).toBeGreaterThan(3_500_000)
    expect(new URLSearchParams(asked[0]?.body).get('subject_token')).toBe('canary-subject')
    expect(new URLSearchParams(asked[0]?.body).get('scope')).toBe(
      'https://www.googleapis.com/auth/cloud-platform',
    )
  })

  test.each([
    [500, {}, 'source_unavailable'],
    [403, { error: 'access_denied' }, 'source_refused'],
    [400, { error: 'invalid_grant', error_description: 'canary-subject expired' }, 'source_unavailable'],
    [400, { error: 'invalid_grant', error_subtype: 'invalid_rapt' }, 'reauthentication_required'],
  ])('[K3, Z1] %d %o is %s', async (status, body, expected) => {
    answer = () => ({ status, body })
    const failure: unknown = await google()
      .issue(context)
      .catch((error: unknown) => error)
    expect(failure).toEqual(code(expected))
    expect(String(failure)).toMatch(/gcloud auth application-default login|cannot respond|clock right/)
    expect(inspect(failure, { depth: 9 }) + JSON.stringify(failure)).not.toMatch(/canary/)
  })

  test('[K3] given a 429, and given no server, when a token is requested, then the codes are source_rate_limited and source_unreachable', async () => {
    answer = () => ({ status: 429, body: {}, headers: { 'retry-after': '7' } })
    await expect(google().issue(context)).rejects.toMatchObject({
      code: 'source_rate_limited',
      retryAfterMs: 7_000,
    })
    const client = async (): Promise<never> => {
      throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    }
    await expect(google({ client }).issue(context)).rejects.toEqual(code('source_unreachable'))
  })

  test('given no credentials, when a token is requested, then the message says how to get some', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(folder, 'nowhere.json'))
    const failure: unknown = await google()
      .issue(context)
      .catch((error: unknown) => error)
    expect(failure).toEqual(code('source_refused'))
    expect(String(failure)).toMatch(/set GOOGLE_APPLICATION_CREDENTIALS/)
  })

  test('given `impersonate`, when a token is issued, then it is a token of that service account', async () => {
    answer = () => ({
      status: 200,
      body: { access_token: 'own', expires_in: 3600, token_type: 'Bearer', issued_token_type: 'x' },
    })
    const { ExternalAccountClient, IdentityPoolClient } = await import('google-auth-library')
    expect(ExternalAccountClient).toBeDefined()
    const expireTime = new Date(Date.now() + 900_000).toISOString()
    const request = vi
      .spyOn(IdentityPoolClient.prototype, 'request')
      .mockResolvedValue({ data: { accessToken: 'impersonated', expireTime } } as never)
    const issued = await google({ impersonate: 'llm@p.iam.gserviceaccount.com', scopes: 'a' }).issue(context)
    expect(issued).toEqual({ accessToken: 'impersonated', expiresAt: Date.parse(expireTime) })
    expect(request.mock.calls[0]?.[0]).toMatchObject({
      url: expect.stringMatching(/llm@p\.iam\.gserviceaccount\.com:generateAccessToken$/),
      data: { scope: ['a'] },
    })
    request.mockRestore()
  })
})

describe('azure', () => {
  beforeEach(() => {
    vi.stubEnv('IDENTITY_ENDPOINT', `${origin}/msi`)
    vi.stubEnv('IDENTITY_HEADER', 'canary-header')
  })

  test('given a managed identity, when two tokens are issued, then @azure/identity requests each one anew', async () => {
    let issued = 0
    const expiresOn = Math.floor(Date.now() / 1_000) + 7_200
    answer = () => ({
      status: 200,
      body: {
        access_token: `token-${++issued}`,
        expires_on: String(expiresOn),
        resource: 'r',
        token_type: 'Bearer',
      },
    })
    const source = azure({ credential: managed })
    const first = await source.issue(context)
    expect(first.accessToken).toBe('token-1')
    expect(Math.abs((first.expiresAt ?? 0) - expiresOn * 1_000)).toBeLessThan(5_000)
    expect(asked[0]?.url).toMatch(/resource=https%3A%2F%2Fcognitiveservices\.azure\.com/)
    expect(asked[0]?.headers['x-identity-header']).toBe('canary-header')
  })

  async function managed(): Promise<ManagedIdentityCredential> {
    const { ManagedIdentityCredential } = await import('@azure/identity')
    return new ManagedIdentityCredential({ retryOptions: { maxRetries: 0 } })
  }

  test('given a claims challenge, when a token is issued, then the Azure credential gets the claims', async () => {
    const claims = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
    const given: unknown[] = []
    const source = azure({
      credential: () => ({
        getToken: async (scopes, { claims: wanted, enableCae }) => {
          given.push([scopes, wanted, enableCae])
          return { token: `token-${given.length}`, expiresOnTimestamp: Date.now() + 1_000_000 }
        },
      }),
    })
    const token = createCredential({ source })
    const challenge = `Bearer realm="", error="insufficient_claims", claims="${btoa(claims)}"`
    await token.refresh(await token.snapshot(), { challenge })
    const scopes = ['https://cognitiveservices.azure.com/.default']
    expect(given).toEqual([
      [scopes, undefined, undefined],
      [scopes, claims, true],
    ])
  })

  test.each([
    ['AuthenticationRequiredError', {}, 'reauthentication_required', /az login/],
    ['CredentialUnavailableError', {}, 'source_refused', /managed identity/],
    ['AuthenticationError', { statusCode: 401 }, 'source_refused', /check its roles/],
    ['RestError', { statusCode: 503 }, 'source_unavailable', /503/],
    ['RestError', { code: 'REQUEST_SEND_ERROR' }, 'source_unreachable', /reached/],
  ])('[K3, Z1] %s %o is %s', async (name, fields, expected, says) => {
    const thrown = Object.assign(new Error('canary'), { name }, fields)
    const source: Source = azure({ credential: () => ({ getToken: () => Promise.reject(thrown) }) })
    const failure: unknown = await source.issue(context).catch((error: unknown) => error)
    expect(failure).toEqual(code(expected))
    expect(String(failure)).toMatch(says)
    expect(inspect(failure, { depth: 9 })).not.toMatch(/canary/)
  })
})

describe('aws', () => {
  const identity = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'canary-secret' }

  test.each([
    ['a text', new Date(Date.now() + 60_000).toISOString()],
    ['epoch seconds', Math.floor(Date.now() / 1000) + 60],
  ])(
    '[K1] given keys whose expiration is %s, as in JSON, when a token is signed, then it expires with the keys',
    async (_, at) => {
      const dated = { accessKeyId: 'AKIA', secretAccessKey: 'canary-key', expiration: at as never }
      const { expiresAt = 0 } = await aws({ region: 'eu-west-1', credentials: dated }).issue(context)
      expect(expiresAt).toBeLessThanOrEqual(Date.now() + 60_000)
    },
  )

  test('[K1] given keys whose expiration makes no sense, when a token is signed, then it lives for `lifetime`', async () => {
    const dated = { accessKeyId: 'AKIA', secretAccessKey: 'canary-key', expiration: new Date('never') }
    const { expiresAt = 0 } = await aws({ region: 'eu-west-1', credentials: dated }).issue(context)
    expect(expiresAt).toBeGreaterThan(Date.now() + 40_000_000)
  })

  test.each([
    ['nothing', undefined],
    ['what the API of STS calls them', { AccessKeyId: 'canary-id', SecretAccessKey: 'canary-key' }],
    ['an empty key', { accessKeyId: '', secretAccessKey: 'canary-key' }],
  ])(
    '[K16, E1, Z1] given a `credentials` function that returns %s, when a token is requested, then no other keys sign it',
    async (_, given) => {
      const source = aws({ region: 'eu-west-1', credentials: async () => given as never })
      const failure: unknown = await source.issue(context).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'source_invalid', terminal: false })
      expect(String(failure)).toContain("'credentials' gave no 'accessKeyId': give {")
      expect(inspect(failure)).not.toContain('canary')
    },
  )

  test('given keys, when a token is issued, then @aws/bedrock-token-generator signs a bearer token for Bedrock', async () => {
    const { accessToken, expiresAt = 0 } = await aws({
      region: 'eu-west-1',
      credentials: identity,
      lifetime: 900_000,
    }).issue(context)
    const signed = atob(accessToken.replace(/^bedrock-api-key-/, ''))
    expect(signed).toMatch(/^bedrock\.amazonaws\.com\/\?Action=CallWithBearerToken/)
    expect(signed).toMatch(/X-Amz-Credential=AKIAEXAMPLE%2F\d+%2Feu-west-1%2Fbedrock/)
    expect(signed).toMatch(/X-Amz-Expires=900&/)
    expect(Math.abs(expiresAt - Date.now() - 900_000)).toBeLessThan(60_000)
  })

  test('given keys that expire soon, when a token is signed, then it expires with the keys', async () => {
    const expiration = new Date(Date.now() + 60_000)
    const source = aws({ region: 'eu-west-1', credentials: async () => ({ ...identity, expiration }) })
    expect((await source.issue(context)).expiresAt).toBe(expiration.getTime())
  })

  test('[Z1] given no keys, when a token is requested, then the message says how to get some', async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
    vi.stubEnv('HOME', folder)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    const failure: unknown = await aws({ region: 'eu-west-1' })
      .issue(context)
      .catch((error: unknown) => error)
    expect(failure).toEqual(code('source_refused'))
    expect(String(failure)).toMatch(/aws sso login/)
  })
})

test.each([
  ['google', () => google({ client: {} } as never)],
  ['azure', () => azure({ credential: {} } as never)],
  ['aws', () => aws({ lifetime: 1 })],
  ['an option that does not exist', () => aws({ expiresIn: 1 } as never)],
])('%s: a clear error at construction', (_, make) => {
  expect(make).toThrow(code('invalid_option'))
})
