import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Agent, fetch as undiciFetch } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import {
  createCredential,
  createCredentialPool,
  Refreshable,
  type Refresher,
  type Snapshot,
  type RefreshEvent,
  refreshingFetch,
} from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { refreshingModel } from '../../src/surfaces/ai-sdk/index.ts'
import { type LlmProvider, RefreshingProvider } from '../../src/surfaces/provider/index.ts'
import { refreshingInterceptor } from '../../src/surfaces/undici/index.ts'
import { testCredential } from '../../src/testing/index.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { listener, Remote, rejection, request, success } from '../support/scripted.ts'

const ORIGIN = 'https://api.test'

/** A server that accepts `test-token-2` and later ones. */
const beneath = async (_input: unknown, init?: RequestInit): Promise<Response> => {
  const isGood = (new Headers(init?.headers).get('authorization') ?? '') > 'Bearer test-token-1'
  return new Response('{}', { status: isGood ? 200 : 401 })
}

/** Everything that the process tells while the test runs. */
function channel(): RefreshEvent[] {
  const heard: RefreshEvent[] = []
  const take = (message: unknown): unknown => heard.push(message as RefreshEvent)
  subscribe('llm-refresh', take)
  onTestFinished(() => void unsubscribe('llm-refresh', take))
  return heard
}

test('[Z2] given a surface without a listener, when a call is retried, then the credential’s listener gets the event, with key and origin', async () => {
  const { heard, onEvent } = listener()
  const credential = testCredential({ key: 'ann', onEvent })
  const fetch = refreshingFetch(credential, { origins: ORIGIN, fetch: beneath })
  await fetch(`${ORIGIN}/v1`)
  await fetch('https://other.test/')
  expect(heard.map(({ type, key, origin }) => [type, key, origin])).toEqual([
    ['refresh_started', 'ann', undefined],
    ['issued', 'ann', undefined],
    ['persisted', 'ann', undefined],
    ['refresh_succeeded', 'ann', undefined],
    ['rejected', 'ann', ORIGIN],
    ['refresh_started', 'ann', undefined],
    ['issued', 'ann', undefined],
    ['persisted', 'ann', undefined],
    ['refresh_succeeded', 'ann', undefined],
    ['retried', 'ann', ORIGIN],
    ['bypassed', 'ann', 'https://other.test'],
  ])
})

test('[Z2] given two listeners, when a call is retried, then the surface’s listener gets the surface’s events only', async () => {
  const [below, above] = [listener(), listener()]
  const credential = testCredential({ onEvent: below.onEvent })
  const options = { origins: ORIGIN, fetch: beneath, onEvent: above.onEvent }
  await refreshingFetch(credential, options)(ORIGIN)
  expect(above.heard).toEqual([{ type: 'retried', generation: 2, origin: ORIGIN }])
  expect(below.types().filter((type) => type === 'retried')).toHaveLength(1)
})

test('[Z2] given one function as both listeners, when a call is retried, then it gets each event once', async () => {
  const { types, onEvent } = listener()
  const credential = testCredential({ onEvent })
  await refreshingFetch(credential, { origins: ORIGIN, fetch: beneath, onEvent })(ORIGIN)
  expect(types().filter((type) => type === 'retried')).toHaveLength(1)
  expect(types().filter((type) => type === 'rejected')).toHaveLength(1)
})

test('[Z2] given a pool, when calls of two accounts are retried, then each event names its account', async () => {
  const { heard, onEvent } = listener()
  let issued = 0
  const source = { issue: async () => ({ accessToken: `test-token-${++issued < 3 ? 1 : 2}` }) }
  const pool = createCredentialPool({ source, onEvent })
  for (const key of ['ann', 'bob']) await pool.get(key).snapshot()
  for (const key of ['ann', 'bob'])
    await refreshingFetch(pool.get(key), { origins: ORIGIN, fetch: beneath })(ORIGIN)
  expect(heard.filter(({ type }) => type === 'retried').map(({ key }) => key)).toEqual(['ann', 'bob'])
  expect(heard.every(({ key }) => key === 'ann' || key === 'bob')).toBe(true)
})

test('[Z2] given a call that cannot be retried, when it fails, then the credential’s listener gets the reason', async () => {
  const { heard, onEvent } = listener()
  const cell = new Refreshable({
    initial: 'test-token-1',
    refresh: () => Promise.reject(new Error('no')),
    onEvent,
  })
  await refreshingFetch(cell, { origins: ORIGIN, fetch: beneath })(ORIGIN)
  expect(heard.at(-1)).toMatchObject({
    type: 'not_retried',
    origin: ORIGIN,
    error: { code: 'refresh_failed' },
  })
})

test('[Z2] given an undici dispatcher, when a call is retried, then the credential’s listener gets the event', async () => {
  const server = await startRecordingServer(({ headers }, response) => {
    response.writeHead(headers.authorization === 'Bearer test-token-1' ? 401 : 200).end()
  })
  onTestFinished(() => server.close())
  const { heard, onEvent } = listener()
  const interceptor = refreshingInterceptor(testCredential({ onEvent }), { origins: server.origin })
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const response = await undiciFetch(server.origin, { dispatcher: agent.compose(interceptor) })
  expect(response.status).toBe(200)
  expect(heard.at(-1)).toEqual({ type: 'retried', generation: 2, origin: server.origin })
})

test('[Z2] given a provider and a model over a credential, when calls are retried, then its listener gets both events', async () => {
  const { types, onEvent } = listener()
  const credential = testCredential({ onEvent })
  const remote = new Remote({ chat: ({ token }) => (token === 'test-token-1' ? rejection() : success) })
  const provider = await RefreshingProvider.from(
    credential.map(({ accessToken }) => remote.provider(accessToken)),
  )
  await provider.chat(request)
  expect(types().filter((type) => type === 'retried')).toHaveLength(1)

  const rejected = await credential.accessToken()
  const build = (token: string): object => ({
    specificationVersion: 'v3',
    provider: 'p',
    modelId: 'm',
    supportedUrls: {},
    doGenerate: async () => {
      if (token === rejected) throw Object.assign(new Error('Unauthorized'), { statusCode: 401 })
      return { content: [] }
    },
    doStream: async () => ({ stream: new ReadableStream() }),
  })
  const models = credential.map(({ accessToken }) => build(accessToken))
  const model = await refreshingModel(models as Parameters<typeof refreshingModel>[0])
  await Reflect.apply(Reflect.get(model, 'doGenerate') as () => Promise<unknown>, model, [{}])
  expect(types().filter((type) => type === 'retried')).toHaveLength(2)
})

test('[Z2] given a subscriber of the channel, when anything happens, then it gets the listener’s events', async () => {
  const { heard, onEvent } = listener()
  const all = channel()
  const credential = testCredential({ key: 'a key of its own', onEvent })
  await refreshingFetch(credential, { origins: ORIGIN, fetch: beneath })(ORIGIN)
  await credential.logout()
  expect(all.filter(({ key }) => key === 'a key of its own')).toEqual(heard)
  expect(heard.at(-1)).toMatchObject({ type: 'cleared', generation: 2 })
})

test('[Z2] given a credential made before, when a subscriber comes later and leaves, then it gets the events in between', async () => {
  const credential = testCredential()
  const first = await credential.snapshot()
  const heard: unknown[] = []
  const take = (message: unknown): unknown => heard.push(message)
  subscribe('llm-refresh', take)
  await credential.refresh(first)
  unsubscribe('llm-refresh', take)
  const { length } = heard
  expect(length).toBeGreaterThan(2)
  await credential.logout()
  expect(heard).toHaveLength(length)
})

test('[Z2] given a refresher that is not ours, when its call is retried, then the surface’s listener gets the event', async () => {
  const { heard, onEvent } = listener()
  const cell = new Refreshable({ initial: 'test-token-1', refresh: async () => 'test-token-2' })
  const remote = new Remote({ chat: ({ token }) => (token === 'test-token-1' ? rejection() : success) })
  const built = (token: Snapshot<string>): Snapshot<LlmProvider> => ({
    ...token,
    value: remote.provider(token.value),
  })
  const refresher: Refresher<LlmProvider> = {
    peek: () => undefined,
    snapshot: async () => built(await cell.snapshot()),
    refresh: async (rejected) => built(await cell.refresh(rejected)),
    accepted: () => undefined,
    map: () => {
      throw new Error('Nobody asks for it.')
    },
  }
  const provider = await RefreshingProvider.from(refresher, { onEvent })
  await provider.chat(request)
  expect(heard).toEqual([{ type: 'retried', generation: 2 }])
})

test('[Z2] given a lock that another process holds, when a credential refreshes, then an event tells of the wait', async () => {
  const path = await temporaryFolder()
  const [mine, theirs] = [fileStore({ path }), fileStore({ path })]
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => {
    void theirs.update('default', async () => {
      resolve()
      await new Promise<void>((free) => (release = free))
      return undefined
    })
  })
  await held
  const { heard, types } = listener()
  const onEvent = (event: RefreshEvent): void => {
    heard.push(event)
    if (event.type === 'lock_waiting') release()
  }
  const source = { issue: async () => ({ accessToken: 'a' }) }
  await createCredential({ source, store: mine, onEvent }).accessToken()
  expect(types().filter((type) => type.startsWith('lock_'))).toEqual(['lock_waiting', 'lock_waited'])
  const waited = heard.find((event) => event.type === 'lock_waited')
  expect(waited).toMatchObject({ duration: expect.any(Number) as number })
  expect(types().indexOf('lock_waited')).toBeLessThan(types().indexOf('issued'))
})
