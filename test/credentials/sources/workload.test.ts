import { rename, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { file } from '../../../src/credentials/sources/file.ts'
import { workloadIdentity, type WorkloadOptions } from '../../../src/credentials/sources/workload.ts'
import { credential, type RefreshEvent, RefreshError } from '../../../src/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { type Recorded, type RecordingServer, startRecordingServer } from '../../support/recording-server.ts'
import { settled } from '../../support/settled.ts'
import { failure, issue, jwt, printed, temporaryFolder } from './helpers.ts'

const CANARY = 'canary-5be81f-subject-token'
const JSON_TYPE = { 'content-type': 'application/json' }

async function serve(
  handler: (request: Recorded, response: ServerResponse) => unknown,
): Promise<RecordingServer> {
  const server = await startRecordingServer(handler)
  onTestFinished(() => server.close())
  return server
}

const answering = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  serve((_, response) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { ...JSON_TYPE, ...headers }).end(text)
  })

/** Tells when the client of a server has hung up. */
class Gone {
  isGone = false
  #resolve = (): void => undefined
  readonly gone = new Promise<void>((resolve) => {
    this.#resolve = resolve
  })

  watch(response: ServerResponse): void {
    response.once('close', () => {
      this.isGone = true
      this.#resolve()
    })
  }
}

/** An exchange at a server's `/token`. */
function exchangeAt(
  { origin }: { readonly origin: string },
  more: Partial<Extract<WorkloadOptions, { for: object }>> = {},
): ReturnType<typeof workloadIdentity> {
  return workloadIdentity({
    for: { tokenEndpoint: `${origin}/token` },
    subjectToken: async () => CANARY,
    clock: new ManualClock(),
    ...more,
  })
}

test('[K5] any endpoint is asked for an exchange in form fields, as RFC 8693 has them', async () => {
  const server = await answering({ access_token: 'a', issued_token_type: 'x', token_type: 'N_A', scope: 's' })
  const source = workloadIdentity({
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
  expect(await issue(source)).toEqual({ accessToken: 'a', expiresAt: undefined, scope: 's' })
  const [request] = server.requests
  expect(request).toMatchObject({
    method: 'POST',
    path: '/oidc/v1/token?tenant=1',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
  })
  expect([...new URLSearchParams(request?.body.toString())]).toEqual([
    ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    ['subject_token_type', 'urn:example:token-type:custom'],
    ['client_id', 'client'],
    ['audience', 'one'],
    ['audience', 'two'],
    ['resource', 'https://api.example.com'],
    ['scope', 'all-apis'],
    ['requested_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
    ['options', '{"userProject":"1"}'],
    ['subject_token', CANARY],
  ])
})

test('the subject token is read anew at every exchange', async () => {
  const path = join(await temporaryFolder(), 'token')
  await writeFile(path, 'subject-1')
  let issued = 0
  const server = await serve((_, response) =>
    response.writeHead(200, JSON_TYPE).end(JSON.stringify({ access_token: `access-${++issued}` })),
  )
  const token = credential({ source: exchangeAt(server, { subjectToken: file(path) }) })
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
])('[K1] the expiry comes from %s', async (_, answer, seconds) => {
  const clock = new ManualClock()
  const server = await answering({ access_token: 'a', token_type: 'Bearer', ...answer })
  const { expiresAt } = await issue(exchangeAt(server, { clock }))
  expect(clock.armed).toBe(0)
  expect(expiresAt).toBe(seconds === undefined ? undefined : clock.now() + seconds * 1000)
})

test('[K1] OpenAI gives an hour where it says nothing; its own client takes that for granted, too', async () => {
  const clock = new ManualClock()
  const lifetimes = [{}, { expires_in: 60 }, { expires_in: -1 }].map(async (answer) => {
    const source = workloadIdentity({
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

const CLOCK = new ManualClock()
const HTML = '<!doctype html><title>Sign in to the guest network</title>'

test.each<[string, string, number, Record<string, string>, string, number | undefined]>([
  ['200 malformed', '{"access_token":', 200, {}, 'source_invalid', undefined],
  ['200 without a token', '{"token_type":"Bearer"}', 200, {}, 'source_invalid', undefined],
  ['200 with a token that is none', '{"access_token":{}}', 200, {}, 'source_invalid', undefined],
  ['200 with what no header can carry', '{"access_token":"a\\nb"}', 200, {}, 'source_invalid', undefined],
  [
    '200 with another scheme',
    '{"access_token":"a","token_type":"DPoP"}',
    200,
    {},
    'source_invalid',
    undefined,
  ],
  ['200, a list', '[]', 200, {}, 'source_invalid', undefined],
  ['200, an error', '{"error":"invalid_grant"}', 200, {}, 'source_refused', undefined],
  ['200 empty', '', 200, {}, 'source_unavailable', undefined],
  ['200 of another type', 'ok', 200, { 'content-type': 'text/plain' }, 'source_unavailable', undefined],
  ['200 HTML', HTML, 200, { 'content-type': 'text/html' }, 'source_unavailable', undefined],
  ['403 HTML', HTML, 403, { 'content-type': 'text/html' }, 'source_unavailable', undefined],
  [
    '403 HTML in plain words',
    'Forbidden',
    403,
    { 'content-type': 'text/html' },
    'source_unavailable',
    undefined,
  ],
  ['307', '', 307, { location: 'https://elsewhere.example' }, 'source_refused', undefined],
  ...[
    'invalid_grant',
    'invalid_client',
    'unauthorized_client',
    'unsupported_grant_type',
    'invalid_scope',
    'invalid_request',
    'invalid_target',
    'access_denied',
  ].map((code): [string, string, number, Record<string, string>, string, undefined] => [
    `400 ${code}`,
    JSON.stringify({ error: code, error_description: `no ${CANARY}` }),
    400,
    {},
    'source_refused',
    undefined,
  ]),
  ['401', '{"error":{"type":"authentication_error","message":"no"}}', 401, {}, 'source_refused', undefined],
  ['403', '{}', 403, {}, 'source_refused', undefined],
  ['404', 'not found', 404, { 'content-type': 'text/plain' }, 'source_refused', undefined],
  ['408', '', 408, {}, 'source_unavailable', undefined],
  ['429 in seconds', '{}', 429, { 'retry-after': '7' }, 'source_rate_limited', 7_000],
  [
    '429 with a date',
    '{}',
    429,
    { 'retry-after': new Date(CLOCK.now() + 9_000).toUTCString() },
    'source_rate_limited',
    9_000,
  ],
  ['500', '{"error":"server_error"}', 500, {}, 'source_unavailable', undefined],
  ['503', HTML, 503, { 'retry-after': '3' }, 'source_unavailable', 3_000],
])(
  '[K3, Z1] %s has its class, and shows nothing that was sent',
  async (_, body, status, headers, code, retryAfter) => {
    const server = await answering(body, status, headers)
    const error = await failure(issue(exchangeAt(server, { clock: CLOCK })))
    expect(error).toMatchObject({ code, retryAfter, terminal: false })
    expect(error.message).toContain(new URL(server.origin).host)
    expect(printed(error)).not.toContain(CANARY)
    expect(server.requests).toHaveLength(1)
  },
)

test('[K7] a redirect is named as what it is', async () => {
  const server = await answering('{"error":"moved"}', 302, { location: 'https://elsewhere.example/token' })
  expect((await failure(issue(exchangeAt(server)))).message).toContain('redirects, which is not followed')
})

test('[K3] a refusal says what the endpoint called it, and keeps what it said to the cause', async () => {
  const said = { error: 'invalid_grant', error_description: `audience\nof  ${CANARY} is\twrong` }
  const server = await answering(said, 400, { 'request-id': 'req_1' })
  const error = await failure(issue(exchangeAt(server)))
  expect(error.message).toMatch(/^127\.0\.0\.1:\d+ refuses \(400, invalid_grant, request req_1\)\.$/)
  expect(error.cause).toEqual(new Error('audience of … is wrong'))
})

test('[K3] a connection that is refused, and an answer that breaks off, are unreachable', async () => {
  const gone = await answering({})
  const source = exchangeAt(gone)
  await gone.close()
  const refused = await failure(issue(source))
  expect(refused.code).toBe('source_unreachable')
  expect(refused.cause).toBeInstanceOf(TypeError)

  const server = await serve((_, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': '100' })
    response.write('{"access_token":', () => response.destroy())
  })
  expect((await failure(issue(exchangeAt(server)))).code).toBe('source_unreachable')
})

test.each(['before', 'within'])('[K3, K7] a timeout %s the answer ends the request', async (when) => {
  const clock = new ManualClock()
  let tell = (): void => undefined
  const asked = new Promise<void>((resolve) => {
    tell = resolve
  })
  const closed = new Gone()
  const server = await serve((_, response) => {
    closed.watch(response)
    if (when === 'within') response.writeHead(200, JSON_TYPE).write('{', tell)
    else tell()
  })
  const issued = failure(issue(exchangeAt(server, { clock, timeout: 4_000 })))
  await asked
  await clock.advance(3_999)
  expect(closed.isGone).toBe(false)
  await clock.advance(1)
  const error = await issued
  expect(error.code).toBe('source_unreachable')
  expect(error.message).toContain('did not answer within 4000 ms')
  await closed.gone
  expect(clock.armed).toBe(0)
})

test('an abort ends the request and rejects with its reason', async () => {
  const controller = new AbortController()
  const reason = new Error('nobody wants it any more')
  const closed = new Gone()
  const server = await serve((_, response) => {
    closed.watch(response)
    controller.abort(reason)
  })
  await expect(issue(exchangeAt(server), { signal: controller.signal })).rejects.toBe(reason)
  await closed.gone
})

test('[K7] a fetch that takes no notice of its signal is not waited for', async () => {
  const clock = new ManualClock()
  const fetch = (): Promise<Response> => new Promise(() => undefined)
  const issued = failure(issue(exchangeAt({ origin: 'https://auth.example.com' }, { clock, fetch })))
  await settled()
  await clock.advance(10_000)
  expect((await issued).code).toBe('source_unreachable')
})

test('[K3] an answer without end is not read to its end', async () => {
  const closed = new Gone()
  const server = await serve((_, response) => {
    closed.watch(response)
    response.writeHead(200, JSON_TYPE)
    const more = (): void => {
      while (response.write(' '.repeat(65_536)));
      response.once('drain', more)
    }
    more()
  })
  expect((await failure(issue(exchangeAt(server)))).code).toBe('source_unavailable')
  await closed.gone
})

test('[K7] the raw fetch it was given makes the request, and follows no redirect', async () => {
  const asked: unknown[] = []
  const source = workloadIdentity({
    for: { tokenEndpoint: 'https://auth.example.com/token' },
    subjectToken: async () => CANARY,
    fetch: async (input, init) => {
      asked.push(input, init?.redirect)
      return Response.json({ access_token: 'a' })
    },
  })
  await issue(source)
  expect(asked).toEqual(['https://auth.example.com/token', 'manual'])
})

test('what the subject token fails with is what the exchange fails with', async () => {
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
      message: expect.stringMatching(/^'subjectToken' gave (?:nothing|undefined)\.$/),
    })
  }
  expect(server.requests).toHaveLength(0)
})

test('a subject token that is too long for Anthropic is not sent', async () => {
  const server = await answering({ access_token: 'a' })
  const source = (length: number): ReturnType<typeof workloadIdentity> =>
    workloadIdentity({
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

test('[Z1] no event, status or source shows a token', async () => {
  const events: RefreshEvent[] = []
  const server = await answering({ access_token: `${CANARY}-access`, expires_in: 60 })
  const source = exchangeAt(server)
  const token = credential({ source, onEvent: (event) => events.push(event) })
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
])("[K7] an option that cannot be is refused at once: '%s' %#", (name, options) => {
  const open = (): unknown => workloadIdentity(options as WorkloadOptions)
  expect(open).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  expect(open).toThrow(`'${name}'`)
  expect(open).not.toThrow(/canary|pw@|eyJ/)
})
