import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCredential, type RefreshEvent, RefreshError } from '../../src/index.ts'
import { file } from '../../src/sources/file.ts'
import { workload, type WorkloadOptions } from '../../src/sources/workload/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { answering, failure, issue, JSON_TYPE, jwt, printed, serve, temporaryFolder } from './helpers.ts'

const CANARY = 'canary-5be81f-subject-token'
/** A source that exchanges at a server's `/token`. */
function exchangeAt(
  { origin }: { readonly origin: string },
  more: Partial<Extract<WorkloadOptions, { for: object }>> = {},
): ReturnType<typeof workload> {
  return workload({
    for: { tokenEndpoint: `${origin}/token` },
    subjectToken: async () => CANARY,
    clock: new ManualClock(),
    ...more,
  })
}

test('[K5] given any endpoint, when a token is exchanged, then the request has the form fields of RFC 8693', async () => {
  const server = await answering({
    access_token: 'a',
    issued_token_type: 'x',
    token_type: 'Bearer',
    scope: 's',
  })
  const source = workload({
    for: {
      tokenEndpoint: new URL(`${server.origin}/oidc/v1/token?tenant=1`),
      clientId: 'client',
      audience: ['one', 'two'],
      resource: 'https://api.example.com',
      scope: 'all-apis',
      requestedTokenType: 'access_token',
      parameters: { options: '{"userProject":"1"}' },
    },
    subjectTokenType: 'urn:example:token-type:custom',
    subjectToken: async () => ` ${CANARY}\n`,
  })
  expect(await issue(source)).toEqual({
    accessToken: 'a',
    tokenType: 'Bearer',
    expiresAt: undefined,
    scope: 's',
    extra: { issued_token_type: 'x' },
  })
  const [request] = server.requests
  expect(request).toMatchObject({
    method: 'POST',
    path: '/oidc/v1/token?tenant=1',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
  })
  expect([...new URLSearchParams(request?.body.toString())]).toEqual([
    ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    ['client_id', 'client'],
    ['options', '{"userProject":"1"}'],
    ['subject_token_type', 'urn:example:token-type:custom'],
    ['requested_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
    ['scope', 'all-apis'],
    ['resource', 'https://api.example.com'],
    ['audience', 'one'],
    ['audience', 'two'],
    ['subject_token', CANARY],
  ])
})

test('given a subject token that changes, when tokens are exchanged, then the source reads it each time', async () => {
  const path = join(await temporaryFolder(), 'token')
  await writeFile(path, 'subject-1')
  let issued = 0
  const server = await serve((_, response) =>
    response.writeHead(200, JSON_TYPE).end(JSON.stringify({ access_token: `access-${++issued}` })),
  )
  const token = createCredential({ source: exchangeAt(server, { subjectToken: file(path) }) })
  const held = await token.snapshot()
  await writeFile(`${path}.new`, 'subject-2')
  await rename(`${path}.new`, path)
  expect((await token.refresh(held)).value.accessToken).toBe('access-2')
  const sent = server.requests.map(({ body }) => new URLSearchParams(body.toString()).get('subject_token'))
  expect(sent).toEqual(['subject-1', 'subject-2'])
})

test.each<[string, Record<string, unknown>, number | undefined]>([
  ['expires_in', { expires_in: 60 }, 60],
  ['expires_in as text', { expires_in: '60' }, 60],
  ['a JWT, by how long it lives, for clocks differ', { access_token: jwt({ iat: 1000, exp: 1600 }) }, 600],
  ['a negative expires_in', { expires_in: -1 }, undefined],
  ['an absurd one', { expires_in: 1e12 }, undefined],
  ['NaN', { expires_in: 'NaN' }, undefined],
  ['nothing', {}, undefined],
])(
  '[K1] given a response with %s, when the source reads it, then the token has the right expiry',
  async (_, answer, seconds) => {
    const clock = new ManualClock()
    const server = await answering({ access_token: 'a', token_type: 'Bearer', ...answer })
    const { expiresAt } = await issue(exchangeAt(server, { clock }))
    expect(clock.armed).toBe(0)
    expect(expiresAt).toBe(seconds === undefined ? undefined : clock.now() + seconds * 1000)
  },
)

test("[K1] given a response of OpenAI without an expiry, when the source reads it, then the token lives for an hour, as in OpenAI's own client", async () => {
  const clock = new ManualClock()
  const lifetimes = [{}, { expires_in: 60 }, { expires_in: -1 }].map(async (answer) => {
    const source = workload({
      for: 'openai',
      identityProviderId: 'idp',
      serviceAccountId: 'sa',
      subjectToken: async () => CANARY,
      clock,
      fetch: async () => Response.json({ access_token: 'a', ...answer }),
    })
    return (await issue(source)).expiresAt
  })
  expect(await Promise.all(lifetimes)).toEqual([clock.now() + 3_600_000, clock.now() + 60_000, undefined])
})

test('given a subject token that cannot be read, when a token is exchanged, then the exchange throws the same error', async () => {
  const ours = new RefreshError('source_unavailable', 'There is no file yet.')
  const server = await answering({ access_token: 'a' })
  for (const thrown of [ours, new Error('the metadata service is away')]) {
    const issued = issue(exchangeAt(server, { subjectToken: () => Promise.reject(thrown) }))
    await expect(issued).rejects.toBe(thrown)
  }
  for (const none of ['', ' \n', undefined]) {
    const error = await failure(issue(exchangeAt(server, { subjectToken: async () => none as string })))
    expect(error).toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(/^'subjectToken' gave (?:nothing|undefined): it must give a text\.$/),
    })
  }
  expect(server.requests).toHaveLength(0)
})

test('given a subject token that is too long for Anthropic, when a token is exchanged, then it is not sent', async () => {
  const server = await answering({ access_token: 'a' })
  const source = (length: number): ReturnType<typeof workload> =>
    workload({
      for: 'anthropic',
      federationRuleId: 'fdrl',
      organizationId: 'org',
      baseURL: server.origin,
      subjectToken: async () => 'x'.repeat(length),
    })
  expect((await failure(issue(source(16_385)))).message).toContain('16385 characters')
  expect(server.requests).toHaveLength(0)
  expect(await issue(source(16_384))).toMatchObject({ accessToken: 'a' })
})

test('[Z1] given an exchange, when its events, status and source are printed, then no token appears', async () => {
  const events: RefreshEvent[] = []
  const server = await answering({ access_token: `${CANARY}-access`, expires_in: 60 })
  const source = exchangeAt(server)
  const token = createCredential({ source, onEvent: (event) => events.push(event) })
  const held = await token.snapshot()
  const error = await failure(token.refresh(held))
  expect(error.code).toBe('unchanged')
  for (const thing of [events, token, token.status(), source, error]) {
    expect(printed(thing)).not.toContain(CANARY)
  }
})

const ANTHROPIC = { for: 'anthropic', federationRuleId: 'f', organizationId: 'o', subjectToken: () => 'x' }
const EXCHANGE = { tokenEndpoint: 'https://auth.example.com/token' }

test.each<[string, unknown]>([
  ['options', undefined],
  ['for', { ...ANTHROPIC, for: 'azure' }],
  ['for', { ...ANTHROPIC, for: undefined }],
  ['federationRuleId', { ...ANTHROPIC, federationRuleId: undefined }],
  ['organizationId', { ...ANTHROPIC, organizationId: '' }],
  ['workspaceId', { ...ANTHROPIC, workspaceId: 7 }],
  ['identityProviderId', { ...ANTHROPIC, identityProviderId: 'idp' }],
  ['baseURL', { ...ANTHROPIC, baseURL: 'http://api.anthropic.com' }],
  ['baseURL', { ...ANTHROPIC, baseURL: 'api.anthropic.com' }],
  ['subjectToken', { ...ANTHROPIC, subjectToken: 'eyJ' }],
  ['subjectToken', { ...ANTHROPIC, subjectToken: undefined }],
  ['timeout', { ...ANTHROPIC, timeout: 0 }],
  ['fetch', { ...ANTHROPIC, fetch: 'fetch' }],
  ['serviceAccountId', { for: 'openai', identityProviderId: 'i', subjectToken: () => 'x' }],
  [
    'subjectTokenType',
    {
      for: 'openai',
      identityProviderId: 'i',
      serviceAccountId: 's',
      subjectTokenType: 'saml2',
      subjectToken: () => 'x',
    },
  ],
  ['tokenEndpoint', { for: {}, subjectToken: () => 'x' }],
  ['tokenEndpoint', { for: { tokenEndpoint: 'http://10.0.0.1/token' }, subjectToken: () => 'x' }],
  ['tokenEndpoint', { for: { tokenEndpoint: 'https://me:pw@example.com/' }, subjectToken: () => 'x' }],
  ['tokenEndpoint', { for: { tokenEndpoint: 'ftp://localhost/' }, subjectToken: () => 'x' }],
  ['clientSecret', { for: { ...EXCHANGE, clientSecret: CANARY }, subjectToken: () => 'x' }],
  ['audience', { for: { ...EXCHANGE, audience: [7] }, subjectToken: () => 'x' }],
  ['parameters', { for: { ...EXCHANGE, parameters: { a: 7 } }, subjectToken: () => 'x' }],
])(
  "[K7] given an invalid option, when workload() is called, then it throws an error that names '%s' %#",
  (name, options) => {
    const open = (): unknown => workload(options as WorkloadOptions)
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    expect(open).toThrow(`'${name}'`)
    expect(open).not.toThrow(/canary|pw@|eyJ/)
  },
)
