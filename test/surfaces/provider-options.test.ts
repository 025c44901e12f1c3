import { expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../src/index.ts'
import {
  type ChatOutcome,
  type LlmProvider,
  RefreshingProvider,
  type RefreshingProviderOptions,
} from '../../src/surfaces/provider/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import {
  done,
  drain,
  failing,
  listener,
  rejected,
  rejection,
  Remote,
  renewing,
  request,
  ScriptedStream,
  success,
  text,
} from '../support/scripted.ts'

/** What a caller without types may hand over. */
const anything = (value: unknown): never => value as never

const METHODS = [
  'chat',
  'chatStream',
  'capabilities',
  'validateThinkingConfig',
  'defaultMaxTokens',
  'structuredOutputSupport',
]

function thrownBy(make: () => unknown): unknown {
  try {
    return make()
  } catch (error) {
    return error
  }
}

const never = (): Promise<LlmProvider> => Promise.reject(new Error('never called'))

test.each(METHODS)(
  '[P10] given a provider without %s, when it is wrapped, then the error names what is missing',
  (name) => {
    const inner = Object.assign(new Remote({}).provider('old'), { [name]: undefined })
    const error = thrownBy(() => new RefreshingProvider(inner, never))
    expect(error).toMatchObject({
      code: 'invalid_provider',
      message: expect.stringMatching(`lacks ${name}(?!\\w)`),
    })
  },
)

test.each([undefined, null, 'gpt', 7, true])(
  '[P10] given %s as a provider, when it is wrapped, then it is refused',
  (inner) => {
    expect(thrownBy(() => new RefreshingProvider(anything(inner), never))).toMatchObject({
      code: 'invalid_provider',
    })
  },
)

test('[P10] given an AI SDK model as a provider, when it is wrapped, then the error names the function that wraps it', () => {
  const model = { specificationVersion: 'v3', doGenerate: () => undefined, doStream: () => undefined }
  expect(thrownBy(() => new RefreshingProvider(anything(model), never))).toMatchObject({
    code: 'invalid_provider',
    message: expect.stringContaining('languageModelProvider()'),
  })
})

test.each([
  ['undefined', (): unknown => Promise.resolve(undefined), 'invalid_provider'],
  ['null', (): unknown => Promise.resolve(null), 'invalid_provider'],
  ['a token', (): unknown => Promise.resolve('secret-token'), 'invalid_provider'],
  ['an object that is none', (): unknown => Promise.resolve({ chat: () => success }), 'invalid_provider'],
  ['no promise at all', (): unknown => undefined, 'invalid_provider'],
  [
    'nothing, it throws at once',
    (): unknown => {
      throw new Error('no such file')
    },
    'refresh_failed',
  ],
])(
  '[P4, C14] given a refresh that returns %s, when a call is rejected, then the caller gets its rejection, and events tell why',
  async (_, refresh, code) => {
    const original = rejection()
    const remote = new Remote({ chat: () => original, stream: () => new ScriptedStream(rejected()) })
    const clock = new ManualClock()
    const { heard, types, onEvent } = listener()
    const provider = new RefreshingProvider(remote.provider('old'), anything(refresh), { onEvent, clock })
    expect(await provider.chat(request)).toBe(original)
    expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_failed', 'not_retried'])
    expect(heard.at(-1)).toMatchObject({ error: { code } })
    expect(JSON.stringify(heard)).not.toContain('secret-token')

    await clock.advance(1_000)
    expect(await drain(provider.chatStream(request))).toEqual([rejected()])
    expect(heard.at(-1)).toMatchObject({ type: 'not_retried', error: { code } })
    expect(remote.tokens).toEqual(['old', 'old'])
  },
)

test('[P4] given a fresh provider that lacks a method, when it is refused, then the event names the method', async () => {
  const remote = new Remote({ chat: rejection })
  const { heard, onEvent } = listener()
  const half = Object.assign(remote.provider('new'), { chatStream: undefined })
  const provider = new RefreshingProvider(remote.provider('old'), async () => anything(half), { onEvent })
  await provider.chat(request)
  expect(heard.at(-1)).toMatchObject({ error: { message: expect.stringContaining('lacks chatStream') } })
})

test.each(['onevent', 'refresh', 'initial', 'signal'])(
  'given an option %s, when a provider is wrapped, then the error names it',
  (name) => {
    const options = anything({ [name]: () => undefined })
    const error = thrownBy(() => new RefreshingProvider(new Remote({}).provider('old'), never, options))
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringContaining(`'${name}'`) })
  },
)

test.each<[string, unknown]>([
  ['null', null],
  ['a string', 'log'],
  ['a listener that is none', { onEvent: 'log' }],
  ['a deadline that is none', { deadline: Number.NaN }],
  ['a cooldown below 0', { cooldown: -1 }],
  ['a rule that is none', { rules: { mine: true } }],
  ['a rule that does not exist, switched off', { rules: { anthropic: false } }],
])('given options that are %s, when a provider is wrapped, then they are refused', (_, options) => {
  const make = (): unknown => new RefreshingProvider(new Remote({}).provider('old'), never, anything(options))
  expect(thrownBy(make)).toMatchObject({ code: 'invalid_option' })
})

test("given a shared refresher, when the options are a cell's, then they are refused, because it has its own", async () => {
  const remote = new Remote({ chat: () => success })
  const cell = new Refreshable({ initial: remote.provider('old'), refresh: never })
  for (const options of [{ deadline: 1 }, { clock: new ManualClock() }, { onEvent: 'log' }]) {
    const inner = remote.provider('old')
    expect(thrownBy(() => new RefreshingProvider(inner, cell, anything(options)))).toMatchObject({
      code: 'invalid_option',
    })
    await expect(RefreshingProvider.from(cell, anything(options))).rejects.toMatchObject({
      code: 'invalid_option',
    })
  }
})

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['a provider', new Remote({}).provider('old')],
  ['a string', 'token'],
  ['half a refresher', { snapshot: async () => ({}), refresh: async () => ({}) }],
])(
  'given %s as a refresher, when a provider is wrapped, then it is refused at once',
  async (_, refresher) => {
    const inner = new Remote({ chat: () => success }).provider('old')
    await expect(RefreshingProvider.from(anything(refresher))).rejects.toMatchObject({
      code: 'invalid_option',
    })
    expect(thrownBy(() => new RefreshingProvider(inner, anything(refresher)))).toMatchObject({
      code: 'invalid_option',
    })
  },
)

test('[P11] given a refresher, when from() is called, then it waits for the first provider, or fails as that failed', async () => {
  const remote = new Remote({ chat: () => success })
  const renewal = renewing(remote)
  const cell = new Refreshable<LlmProvider>({ refresh: renewal.refresh })
  const both = await Promise.all([RefreshingProvider.from(cell), RefreshingProvider.from(cell)])
  expect(await both[0].chat(request)).toBe(success)
  expect(renewal.count).toBe(1)

  const revoked = new RefreshError('reauthentication_required', 'log in')
  const broken = new Refreshable<LlmProvider>({ refresh: failing(revoked).refresh })
  await expect(RefreshingProvider.from(broken)).rejects.toBe(revoked)
  const tokens = new Refreshable({ initial: 'token', refresh: async () => 'token' })
  await expect(RefreshingProvider.from(anything(tokens))).rejects.toMatchObject({ code: 'invalid_provider' })
})

test('[P2, U4] given rules of a wrapper, when they extend or switch off the default ones, then only that wrapper follows them', async () => {
  const refused: ChatOutcome = { type: 'invalid_request', message: 'Invalid access token.', status: 403 }
  const teapot: ChatOutcome = { type: 'invalid_request', message: 'short and stout', status: 418 }
  const outcomeOf = async (first: ChatOutcome, rules: RefreshingProviderOptions['rules']) => {
    const remote = new Remote({ chat: ({ token }) => (token === 'old' ? first : success) })
    const provider = new RefreshingProvider(remote.provider('old'), renewing(remote).refresh, { rules })
    return provider.chat(request)
  }
  expect(await outcomeOf(refused, undefined)).toBe(success)
  expect(await outcomeOf(refused, { databricks_invalid_token: false })).toBe(refused)
  expect(await outcomeOf(teapot, undefined)).toBe(teapot)
  expect(await outcomeOf(teapot, { teapot: { statuses: [418], matches: () => true } })).toBe(success)
})

test('[P4] given no listener, when calls are rejected, then everything works', async () => {
  const remote = new Remote({
    chat: ({ token }) => (token === 'old' ? rejection() : success),
    stream: () => new ScriptedStream(text('a'), done),
  })
  const provider = new RefreshingProvider(remote.provider('old'), renewing(remote).refresh, {
    onEvent: undefined,
    rules: undefined,
  })
  expect(await provider.chat(request)).toBe(success)
  expect(await drain(provider.chatStream(request))).toEqual([text('a'), done])
})

test('[C9] given options of a cell, when the token is about to expire, then it is refreshed ahead in the background', async () => {
  const clock = new ManualClock()
  const remote = new Remote({ chat: () => success })
  const renewal = renewing(remote)
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh, {
    clock,
    expiresAt: () => clock.now() + 100_000,
  })
  await clock.advance(99_000)
  await provider.chat(request)
  await clock.advance(0)
  await provider.chat(request)
  expect([remote.tokens, renewal.count]).toEqual([['old', 'new 1'], 1])
})
