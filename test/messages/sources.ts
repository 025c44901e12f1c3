import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccessToken, createCredential, type Source } from '../../src/index.ts'
import { aws } from '../../src/sources/aws.ts'
import { azure } from '../../src/sources/azure.ts'
import { command } from '../../src/sources/command/index.ts'
import { notStarted } from '../../src/sources/command/not-started.ts'
import { env } from '../../src/sources/env.ts'
import { file } from '../../src/sources/file.ts'
import { google } from '../../src/sources/google.ts'
import { deviceLogin, oauth } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { inTime } from './in-time.ts'
import { type Situation, situations } from './situation.ts'
import { CONTEXT } from './source.ts'

const ISSUER = 'https://auth.example.com'
const client = { clientId: 'app', clientSecret: 'secret' }
const ENDPOINTS = { tokenEndpoint: `${ISSUER}/token`, deviceAuthorizationEndpoint: `${ISSUER}/device` }

const issue = (source: Source, current?: AccessToken): Promise<AccessToken> =>
  source.issue({ ...CONTEXT, current })
const responding =
  (...responses: (() => Response)[]): typeof globalThis.fetch =>
  async () =>
    (responses.length > 1 ? responses.shift() : responses[0])?.() ?? Response.error()
const json =
  (body: unknown, status = 200) =>
  (): Response =>
    Response.json(body, { status })
const at = (response: () => Response): Source =>
  oauth({ ...client, ...ENDPOINTS, fetch: responding(response), grant: 'client_credentials' })
const discovering = (metadata: unknown, more: object = {}): Promise<AccessToken> =>
  issue(
    oauth({
      ...client,
      issuer: ISSUER,
      grant: 'client_credentials',
      fetch: responding(json(metadata)),
      ...more,
    }),
  )

function device(...responses: (() => Response)[]): Promise<AccessToken> {
  const clock = new ManualClock()
  const fetch = responding(...responses)
  return inTime(
    clock,
    deviceLogin({ clientId: 'app', ...ENDPOINTS, fetch, clock, onPrompt: () => undefined }),
  )
}
const prompt = json({
  device_code: 'a',
  user_code: 'A',
  verification_uri: ISSUER,
  expires_in: 60,
  interval: 5,
})

/** What the vendors' libraries throw, as they throw it. */
const thrown =
  (name: string, message: string, more: object = {}) =>
  (): never => {
    throw Object.assign(new Error(message), { name, ...more })
  }
const azureThat = (getToken: () => never): Promise<AccessToken> =>
  issue(azure({ credential: () => ({ getToken: async () => getToken() }) }))
const googleThat = (getAccessToken: () => unknown): Promise<AccessToken> =>
  issue(
    google({ client: () => ({ getAccessToken: async () => getAccessToken() as never, credentials: {} }) }),
  )

async function held(text: string, options: object = {}): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-situation-'))
  try {
    const path = join(folder, 'token')
    await writeFile(path, text)
    return await issue(file(path, options))
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function onSocket(): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-situation-'))
  const server = createServer()
  try {
    await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve))
    return await issue(file(join(folder, 'socket')))
  } finally {
    server.close()
    await rm(folder, { recursive: true })
  }
}

const node = (script: string, more: object = {}): Promise<AccessToken> =>
  issue(command({ file: process.execPath, args: ['-e', script], ...more }))
/** As spawn() says it. */
const refusedBySystem = (code: string) => (): never => {
  throw notStarted({ file: 'helper', cwd: undefined } as never, Object.assign(new Error(code), { code }))
}

async function hanging(source: (clock: ManualClock) => Source): Promise<unknown> {
  const clock = new ManualClock()
  return inTime(clock, issue(source(clock)))
}

/** Servers, files, helpers and cloud libraries. */
export const SOURCE_SITUATIONS: readonly Situation[] = situations({
  'a variable whose name has small letters is not set': () => issue(env('api_key', { env: {} })),
  'a variable whose name has small letters is empty': () => issue(env('api_key', { env: { api_key: '' } })),

  'a token endpoint that responds with a list': () => issue(at(json([]))),
  'a token endpoint that responds with JSON that is cut off': () =>
    issue(at(() => new Response('{"access_token":"a', { headers: { 'content-type': 'application/json' } }))),
  'a token endpoint that gives a token that is bound to a key': () =>
    issue(at(json({ access_token: 'a', token_type: 'DPoP' }))),
  'a token endpoint that gives a refresh token and no token': () =>
    issue(at(json({ refresh_token: 'a', token_type: 'Bearer' }))),
  'a token endpoint that gives a new refresh token and an error': () =>
    issue(at(json({ refresh_token: 'a', message: 'Something broke', error: 'x' }))),
  'a token endpoint that gives a token that no header can carry, and says why': () =>
    issue(at(json({ access_token: 'a\nb', refresh_token: 'c', error_description: 'It is broken' }))),
  'a token endpoint redirects': () =>
    issue(at(() => new Response(null, { status: 302, headers: { location: 'https://login.example.com/' } }))),
  'a token endpoint’s response is not compressed as it says': () =>
    issue(
      at(
        () =>
          new Response(
            new ReadableStream({
              pull: (controller) =>
                controller.error(Object.assign(new Error('bad header'), { code: 'Z_DATA_ERROR' })),
            }),
            { headers: { 'content-encoding': 'gzip' } },
          ),
      ),
    ),
  'a token endpoint does not respond': () =>
    hanging((clock) =>
      oauth({
        ...client,
        ...ENDPOINTS,
        clock,
        grant: 'client_credentials',
        fetch: () => new Promise<never>(() => undefined),
      }),
    ),
  'an issuer has no metadata': () =>
    issue(
      oauth({
        ...client,
        issuer: ISSUER,
        grant: 'client_credentials',
        fetch: responding(() => new Response('', { status: 404 })),
      }),
    ),
  'an issuer’s metadata are a list': () => discovering([]),
  'an issuer’s metadata name no issuer': () => discovering({ token_endpoint: ENDPOINTS.tokenEndpoint }),
  'an issuer’s metadata name another issuer': () => discovering({ issuer: 'https://b.example' }),
  'an issuer’s metadata name a token endpoint over plain http': () =>
    discovering({ issuer: ISSUER, token_endpoint: 'http://auth.example.com/token' }),
  'a secret’s function gives nothing': () => discovering({}, { ...ENDPOINTS, clientSecret: () => '' }),
  'a secret’s function gives half a character': () =>
    discovering({}, { ...ENDPOINTS, clientSecret: () => '\uD800' }),
  'a subject token is longer than the endpoint takes': () =>
    issue(
      workload({
        for: 'anthropic',
        federationRuleId: 'a',
        organizationId: 'b',
        subjectToken: () => 'a'.repeat(20_000),
      }),
    ),

  'a device endpoint responds without a code': () => device(json({ user_code: 'A' })),
  'nobody confirms the code of a device': () => device(prompt, json({ error: 'authorization_pending' }, 400)),
  'a person declines on the device': () => device(prompt, json({ error: 'access_denied' }, 400)),
  'a rule declines on the device': () =>
    device(prompt, json({ error: 'access_denied', error_description: 'Not from here' }, 400)),

  'a file’s parser throws': () =>
    held('a', {
      parse: () => {
        throw new Error('x')
      },
    }),
  'a file of a token holds a client certificate': () => held('{"clientCertificateData":"a"}'),
  'a file of a token holds the word error': () => held('error'),
  'a file of a token holds the word null': () => held('null'),
  'a file of a token holds a token that is bound to a key': () =>
    held('{"access_token":"a","token_type":"DPoP"}'),
  'a file of a token lies in a file': () => issue(file('/etc/passwd/token')),
  'a file of a token is a socket': onSocket,
  'a helper is not there, nor the folder it is to run in': () =>
    issue(command({ file: '/nowhere/helper', cwd: '/nowhere' })),
  'a helper is given with its arguments in one text': () => issue(command({ file: 'cat token | jq .token' })),
  'this machine is short of memory for a helper': refusedBySystem('ENOMEM'),
  'a helper is killed': () => node('process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 60_000)'),
  'a helper waits for a person': () => node('setTimeout(() => {}, 60_000)', { timeout: 1 }),

  'Entra ID has no credential': () =>
    azureThat(thrown('CredentialUnavailableError', 'No credential is configured')),
  'Entra ID wants a new login': () => azureThat(thrown('AuthenticationRequiredError', 'Log in')),
  'Entra ID refuses': () => azureThat(thrown('AuthenticationError', 'AADSTS7000215', { statusCode: 401 })),
  'azure() is given what gives no token': () =>
    issue(azure({ credential: () => ({ getToken: async () => null }) })),
  'Google has no credential': () => googleThat(thrown('Error', 'Could not load the default credentials.')),
  'Google refuses a service account': () =>
    googleThat(thrown('GaxiosError', 'invalid_grant', { response: { status: 400 } })),
  'Google refuses': () =>
    googleThat(
      thrown('GaxiosError', 'forbidden', { response: { status: 403, data: { error: 'forbidden' } } }),
    ),
  'Google responds without a token': () => googleThat(() => ({ token: null })),
  'Google’s library cannot read the response': () => googleThat(thrown('SyntaxError', 'Unexpected token <')),
  'Google is asked where there is no network': () =>
    googleThat(thrown('GaxiosError', 'request failed', { code: 'EAI_AGAIN' })),
  'Google asks to wait': () => googleThat(thrown('GaxiosError', 'slow', { response: { status: 429 } })),
  'AWS’ session has ended': () =>
    issue(
      aws({ region: 'us-east-1', credentials: async () => thrown('Error', 'The SSO session has expired')() }),
    ),
  'aws() is given keys that are none': () =>
    issue(aws({ region: 'us-east-1', credentials: async () => ({ accessKeyId: 'a' }) as never })),
  'aws() is asked in a program without a login': () =>
    createCredential({
      source: aws({
        region: 'us-east-1',
        credentials: async () => thrown('CredentialsProviderError', 'Could not load credentials')(),
      }),
    }).snapshot(),
})
