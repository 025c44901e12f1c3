import { expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../src/index.ts'
import {
  type ChatOutcome,
  type ChatRequest,
  type LlmProvider,
  RefreshingProvider,
  type ThinkingConfig,
} from '../../src/surfaces/provider/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { responder } from '../support/responder.ts'
import {
  done,
  drain,
  rejected,
  rejection,
  Remote,
  renewing,
  request,
  ScriptedStream,
  success,
  text,
} from '../support/scripted.ts'
import { settled } from '../support/settled.ts'

/** Rejects the first token, and accepts what comes after it. */
const expiring = (): Remote => new Remote({ chat: ({ token }) => (token === 'old' ? rejection() : success) })

test('[P10] given any refresh, when it has ended, then the wrapper has the name, model and thinking of its construction', async () => {
  const remote = expiring()
  const thinking: ThinkingConfig = { mode: 'adaptive', effort: 'high' }
  const inner = Object.assign(remote.provider('old'), { configuredThinking: thinking })
  const provider = new RefreshingProvider(inner, async () =>
    Object.assign(remote.provider('new'), {
      model: 'another',
      provider: 'other',
      configuredThinking: undefined,
    }),
  )
  await provider.chat(request)
  Object.assign(inner, { model: 'changed', provider: 'changed', configuredThinking: undefined })
  expect([provider.provider, provider.model]).toEqual(['scripted', 'scripted-1'])
  expect(provider.configuredThinking).toBe(thinking)
})

test('[P10] given a refresh that hangs, when a capability method is called, then it returns at once', async () => {
  const remote = expiring()
  const source = responder<LlmProvider>()
  const capabilities = { contextWindow: 9, maxOutputTokens: 7, input: ['text'], thinking: 'none' } as const
  const inner = Object.assign(remote.provider('old'), { capabilities: () => capabilities })
  const provider = new RefreshingProvider(inner, source.refresh)
  const waiting = provider.chat(request)
  await settled()
  expect(source.calls).toHaveLength(1)

  expect(provider.capabilities()).toBe(capabilities)
  expect(provider.defaultMaxTokens()).toBe(7)
  expect(provider.structuredOutputSupport()).toBe('native')
  expect(() => provider.validateThinkingConfig({ mode: 'adaptive' })).toThrow(RefreshError)
  source.call(0).resolve(remote.provider('new'))
  expect(await waiting).toBe(success)
})

test('[P11] given wrappers over one refresher, when they are rejected, at once or later, then they share one refresh', async () => {
  const remote = expiring()
  let tokens = 0
  const token = new Refreshable({ initial: 'old', refresh: async () => `new ${++tokens}` })
  const built = token.map((value) => remote.provider(value))
  const [one, other] = [await RefreshingProvider.from(built), await RefreshingProvider.from(built)]
  // Another map of the same cell: providers of its own, generations in common.
  const third = await RefreshingProvider.from(token.map((value) => remote.provider(value)))
  expect(await Promise.all([one.chat(request), other.chat(request), third.chat(request)])).toEqual(
    Array.from({ length: 3 }, () => success),
  )
  expect([remote.tokens, tokens]).toEqual([['old', 'old', 'old', 'new 1', 'new 1', 'new 1'], 1])

  const late = new RefreshingProvider(remote.provider('template'), built)
  expect(await late.chat(request)).toBe(success)
  expect([remote.tokens.slice(6), tokens]).toEqual([['new 1'], 1])
})

test('[P12] given a request, when both attempts are made, then they get the same object, unchanged', async () => {
  const frozen: ChatRequest = Object.freeze({ ...request })
  Object.freeze(frozen.messages)
  const remote = expiring()
  const options = Object.freeze({ signal: new AbortController().signal })
  const provider = new RefreshingProvider(remote.provider('old'), renewing(remote).refresh)
  await provider.chat(frozen, options)
  expect(remote.attempts).toHaveLength(2)
  for (const attempt of remote.attempts) {
    expect(attempt.request).toBe(frozen)
    expect(attempt.options).toBe(options)
  }
})

test('[P11, C3] given 100 streams, when all are rejected at once, then one refresh serves them', async () => {
  let streams = 0
  const remote = new Remote({
    stream: ({ token }) =>
      token === 'old' ? new ScriptedStream(rejected()) : new ScriptedStream(text(`${++streams}`), done),
  })
  const source = responder<LlmProvider>()
  const cell = new Refreshable({ initial: remote.provider('old'), refresh: source.refresh })
  const providers = await Promise.all(Array.from({ length: 10 }, () => RefreshingProvider.from(cell)))
  const reading = Array.from({ length: 100 }, (_, n) =>
    drain(providers[n % 10]?.chatStream(request) ?? new ScriptedStream()),
  )
  await settled()
  expect([remote.attempts.length, source.calls.length]).toEqual([100, 1])
  source.call(0).resolve(remote.provider('new'))
  for (const deltas of await Promise.all(reading)) expect(deltas).toHaveLength(2)
  expect([remote.attempts.length, streams, source.calls.length]).toEqual([200, 100, 1])
})

test('[C8, P2, P5] given a token, when a call succeeds or content arrives, then its next rejection is refreshed at once', async () => {
  const good = new Set(['new 1'])
  const remote = new Remote({
    chat: ({ token }) => (good.has(token) ? success : rejection()),
    stream: ({ token }) => new ScriptedStream(good.has(token) ? text('a') : rejected(), done),
  })
  const renewal = renewing(remote)
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
  for (let round = 1; round <= 6; round++) {
    good.clear()
    good.add(`new ${round}`)
    if (round % 2 === 1) expect(await provider.chat(request)).toBe(success)
    else expect(await drain(provider.chatStream(request))).toEqual([text('a'), done])
    expect(renewal.count).toBe(round)
  }
})

test('[C8] given a result that is neither a success nor content, when it arrives, then the breaker does not change', async () => {
  const limited: ChatOutcome = { type: 'rate_limited' }
  const answers = [rejection(), limited, rejection()]
  const remote = new Remote({ chat: () => answers[remote.attempts.length - 1] ?? success })
  const renewal = renewing(remote)
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh, {
    clock: new ManualClock(),
  })
  expect(await provider.chat(request)).toBe(limited)
  expect(await provider.chat(request)).toBe(answers[2])
  expect([remote.tokens, renewal.count]).toEqual([['old', 'new 1', 'new 1'], 1])
})
