import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  createCredential,
  createCredentialPool,
  memoryStore,
  type RefreshEvent,
  RefreshError,
  refreshingFetch,
  type Source,
} from '../../src/index.ts'
import { aws } from '../../src/sources/aws.ts'
import { azure } from '../../src/sources/azure.ts'
import { command } from '../../src/sources/command/index.ts'
import { env } from '../../src/sources/env.ts'
import { file } from '../../src/sources/file.ts'
import { google } from '../../src/sources/google.ts'
import { oauth, type Grant } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { sealedStore, type SealingKeys } from '../../src/stores/sealed/index.ts'
import { printed, script, temporaryFolder } from '../sources/helpers.ts'
import { startRecordingServer } from '../support/recording-server.ts'

/** Every secret has it, and nothing else does. */
const CANARY = 'kanarienvogel'
let planted = 0
/** No two are the same, so that a repeated answer is no repeated token. */
const secret = (name: string): string => `${CANARY}-${name}-${++planted}`

interface Endpoint {
  readonly origin: string
  /** A good answer, or one that repeats whatever it was sent. */
  mode: 'good' | 'bad'
}

async function startEndpoint(): Promise<Endpoint> {
  const endpoint: { origin: string; mode: 'good' | 'bad' } = { origin: '', mode: 'good' }
  const server = await startRecordingServer(({ body, headers, path }, response) => {
    const isGood = endpoint.mode === 'good'
    response.writeHead(isGood ? 200 : 400, { 'content-type': 'application/json' })
    const good = {
      access_token: secret('access'),
      refresh_token: secret('refresh'),
      id_token: secret('id'),
      expires_in: 3_600,
      expires_on: String(Math.floor(Date.now() / 1000) + 3_600),
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource: 'r',
    }
    const said = `${headers.authorization} ${body.toString()} ${path} ${secret('said')}`
    const bad = { error: 'invalid_grant', error_description: said }
    response.end(JSON.stringify(isGood ? good : bad))
  })
  onTestFinished(() => server.close())
  endpoint.origin = server.origin
  return endpoint
}

type Make = (endpoint: Endpoint) => Source | Promise<Source>

const client = { clientId: 'client', clientSecret: secret('client-secret') }
const granting =
  (grant: Grant): Make =>
  ({ origin }) =>
    oauth({ tokenEndpoint: `${origin}/token`, ...client, grant })

const SOURCES: Record<string, Make> = {
  'oauth, refresh_token': granting({ type: 'refresh_token', refreshToken: secret('first') }),
  'oauth, client_credentials': granting('client_credentials'),
  'oauth, token_exchange': granting({ type: 'token_exchange', subjectToken: secret('subject') }),
  'oauth, jwt_bearer': granting({ type: 'jwt_bearer', assertion: secret('assertion') }),
  'oauth, a secret whose function throws': ({ origin, mode }) =>
    oauth({
      tokenEndpoint: origin,
      clientId: 'client',
      clientSecret: () => {
        if (mode === 'good') return secret('client-secret')
        throw new Error(secret('thrown'))
      },
      grant: 'client_credentials',
    }),
  'workload identity': ({ origin }) =>
    workload({ for: { tokenEndpoint: origin }, subjectToken: async () => secret('subject') }),
  command: async ({ mode }) => {
    const token = `{"access_token":"${secret('access')}-'$$'"}`
    const good = `echo '${token}'`
    const bad = `echo '${secret('printed')}'; echo '${secret('output')}'; exit 3`
    return command({ file: await script(mode === 'good' ? good : bad) })
  },
  file: async ({ mode }) => {
    const path = join(await temporaryFolder(), 'token')
    await writeFile(path, mode === 'good' ? secret('access') : `${secret('one')}\n${secret('two')}`)
    return file(path)
  },
  env: ({ mode }) => {
    const name = `CANARY_KEY_${mode}`
    vi.stubEnv(name, mode === 'good' ? secret('access') : `${secret('a')}\n${secret('b')}`)
    return env(name)
  },
  google: async ({ origin }) => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'subject'), secret('subject'))
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
    return google()
  },
  azure: ({ origin }) => {
    vi.stubEnv('IDENTITY_ENDPOINT', `${origin}/msi`)
    vi.stubEnv('IDENTITY_HEADER', secret('header'))
    return azure({
      credential: async () => {
        const { ManagedIdentityCredential } = await import('@azure/identity')
        return new ManagedIdentityCredential({ retryOptions: { maxRetries: 0 } })
      },
    })
  },
  aws: ({ mode }) =>
    aws({
      region: 'us-east-1',
      credentials: async () => {
        if (mode === 'bad')
          throw Object.assign(new Error(secret('keys')), { name: 'CredentialsProviderError' })
        return { accessKeyId: secret('id'), secretAccessKey: secret('key'), sessionToken: secret('session') }
      },
    }),
  'one of the host’s own, that throws what it likes': ({ mode }) => ({
    issue: async ({ current }) => {
      if (mode === 'good') return { accessToken: secret('access'), extra: { account: secret('extra') } }
      throw Object.assign(new Error(secret('message')), {
        response: { headers: { authorization: secret('header') }, current },
        cause: new Error(secret('cause')),
      })
    },
  }),
  'one of the host’s own, that gives no token': ({ mode }) => ({
    issue: async () =>
      (mode === 'good' ? { accessToken: secret('access') } : { token: secret('misnamed') }) as never,
  }),
}

/** Everything that is written while it runs, whoever writes it. */
function listenToOutput(): string[] {
  const written: string[] = []
  const take = (chunk: unknown): boolean => written.push(String(chunk)) > 0
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(take)
  const methods = ['log', 'info', 'warn', 'error', 'debug'] as const
  for (const method of methods) {
    vi.spyOn(console, method).mockImplementation((...words: unknown[]) => written.push(...words.map(printed)))
  }
  const warn = (warning: Error): unknown => written.push(printed(warning))
  process.on('warning', warn)
  onTestFinished(() => {
    process.off('warning', warn)
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })
  return written
}

test.each(Object.entries(SOURCES))(
  '[Z1] %s: no error, event, log, status or inspection contains a secret',
  async (_name, make) => {
    const written = listenToOutput()
    const endpoint = await startEndpoint()
    let isAccepting = true
    const api = await startRecordingServer((_request, response) => {
      response.writeHead(isAccepting ? 200 : 401, { 'www-authenticate': `Bearer realm="${secret('realm')}"` })
      response.end(isAccepting ? 'fine' : `{"error":"${secret('body')}"}`)
    })
    onTestFinished(() => api.close())
    const [events, answers, errors]: [RefreshEvent[], string[], unknown[]] = [[], [], []]
    const onEvent = (event: RefreshEvent): unknown => events.push(event)

    const store = memoryStore()
    const good = await make(endpoint)
    const pool = createCredentialPool({ source: good, store, onEvent })
    // A person has logged in, and the source is one that fails from then on.
    endpoint.mode = 'bad'
    let source = await make(endpoint)
    const bad = createCredential({ source: { issue: (context) => source.issue(context) }, store, onEvent })
    endpoint.mode = 'good'
    const token = pool.get('somebody')
    const fetch = refreshingFetch(token, { origins: api.origin, onEvent })
    answers.push(await (await fetch(api.origin)).text())
    isAccepting = false
    await (await fetch(api.origin)).body?.cancel()
    const held = await token.snapshot()
    endpoint.mode = 'bad'
    source = await make(endpoint)
    await bad.login({ ...held.value, refreshToken: secret('stored') })
    const failing = refreshingFetch(bad, { origins: api.origin, onEvent })
    await (await failing(api.origin)).body?.cancel()
    await bad.refresh(await bad.snapshot()).catch((error: unknown) => errors.push(error))
    await bad.logout()
    await failing(api.origin).then(
      async (response) => answers.push(await response.text()),
      (error: unknown) => errors.push(error),
    )
    await bad.snapshot().catch((error: unknown) => errors.push(error))

    // The secrets were in use, and things went wrong: else nothing was shown.
    expect(held.value.accessToken).toMatch(/kanarienvogel|^bedrock-api-key-/)
    expect(answers[0]).toBe('fine')
    expect(errors.length).toBeGreaterThan(1)
    expect(errors.every((error) => error instanceof RefreshError)).toBe(true)
    expect(events.map(({ type }) => type as string)).toEqual(
      expect.arrayContaining(['issued', 'refresh_failed']),
    )
    const failures = events.flatMap((event) => ('error' in event ? [event.error] : []))
    expect(failures.length).toBeGreaterThan(0)
    const things = [
      events,
      ...answers,
      pool,
      token,
      bad,
      token.status(),
      bad.status(),
      good,
      source,
      store,
      fetch,
    ]
    for (const thing of [...things, ...written]) {
      expect(printed(thing)).not.toContain(CANARY)
    }
    for (const error of [...errors, ...failures]) {
      // A cause is the host's own: what a getter gives is not printed with the error.
      const { stack, message } = error as RefreshError
      expect(`${stack} ${message} ${JSON.stringify(error)}`).not.toContain(CANARY)
    }
  },
)

/** What may be seen of a secret of 32 bytes. */
function formsOf(bytes: Buffer): string[] {
  const [base64, list] = [bytes.toString('base64').slice(0, -1), [...bytes.subarray(0, 8)].join(', ')]
  return [
    CANARY,
    base64,
    bytes.toString('base64url'),
    bytes.toString('hex'),
    list,
    printed(bytes.subarray(0, 8)),
  ]
}

test('[Z1, S8] given a sealed store, then no error, event, log, status or inspection contains a key or a sealed secret', async () => {
  const written = listenToOutput()
  const bytes = Buffer.from(`${CANARY}-0123456789-abcdefg`)
  expect(bytes).toHaveLength(32)
  const [id, other] = ['key-1', { id: 'key-2', secret: crypto.getRandomValues(new Uint8Array(32)) }]
  const imported = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', true, ['encrypt', 'decrypt'])
  const inner = memoryStore()
  const things: unknown[] = []
  const forms: SealingKeys[] = [
    ...[bytes, bytes.toString('base64'), bytes.toString('base64url'), imported].map((form) => [
      { id, secret: form },
    ]),
    async () => [{ id, secret: bytes.toString('base64') }],
  ]
  const onEvent = (event: RefreshEvent): unknown => things.push(event)
  const tell = (error: unknown): unknown => things.push(error)
  const refused: Source = { issue: () => Promise.reject(new Error('refused')) }
  for (const keys of forms) {
    const store = sealedStore(inner, keys)
    const token = createCredential({ source: refused, store, onEvent })
    await token.logout()
    await token.login({ accessToken: secret('access'), refreshToken: secret('refresh') })
    await token.refresh(await token.snapshot()).catch(tell)
    const wrong = sealedStore(inner, [{ ...other, id }])
    const missing = sealedStore(inner, [other])
    for (const bad of [wrong, missing]) {
      await bad.read('default').catch(tell)
      await createCredential({ source: refused, store: bad, onEvent }).snapshot().catch(tell)
    }
    things.push(await inner.read('default'), store, token, token.status(), wrong)
  }
  // Secrets that are none, and functions that fail.
  const bad = [bytes.subarray(1), bytes.toString('hex'), `${CANARY}!`, [bytes], { bytes }]
  for (const given of bad) {
    const keys = [{ id, secret: given as string }]
    for (const make of [
      () => sealedStore(inner, keys),
      () => sealedStore(inner, () => keys).read('default'),
    ]) {
      await (async () => make())().catch(tell)
    }
  }
  const throwing = sealedStore(inner, () => Promise.reject(new Error(secret('thrown'))))
  const error: unknown = await throwing.read('default').catch((thrown: unknown) => thrown)
  // A cause is the host's own, and only shown to who asks for it.
  const { stack, message } = error as RefreshError
  things.push(inspect(error, { showHidden: true }), JSON.stringify(error), stack, message)

  expect(things.filter((thing) => thing instanceof RefreshError)).toHaveLength(
    forms.length * 5 + bad.length * 2,
  )
  for (const thing of [...things, ...written]) {
    const text = printed(thing)
    for (const form of formsOf(bytes)) expect(text).not.toContain(form)
  }
})
