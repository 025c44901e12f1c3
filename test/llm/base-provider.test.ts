import { expect, test } from 'vitest'
import { RefreshError } from '../../src/index.ts'
import {
  BaseProvider,
  type ChatOutcome,
  type ChatRequest,
  type CallOptions,
  type ModelCapabilities,
  type ThinkingConfig,
} from '../../src/surfaces/provider/index.ts'
import { drain, request, success } from '../support/scripted.ts'

class Plain extends BaseProvider {
  readonly provider = 'plain'
  readonly model = 'plain-1'
  readonly calls: [ChatRequest, CallOptions | undefined][] = []
  readonly outcome: ChatOutcome

  constructor(outcome: ChatOutcome = success) {
    super()
    this.outcome = outcome
  }

  async chat(asked: ChatRequest, options?: CallOptions): Promise<ChatOutcome> {
    this.calls.push([asked, options])
    return this.outcome
  }
}

class Known extends Plain {
  readonly known: ModelCapabilities

  constructor(thinking: ModelCapabilities['thinking']) {
    super()
    this.known = { contextWindow: 200_000, maxOutputTokens: 8_000, input: ['text'], thinking }
  }

  override capabilities(): ModelCapabilities {
    return this.known
  }
}

const enabled = (budgetTokens: number): ThinkingConfig => ({ mode: 'enabled', budgetTokens })
const adaptive: ThinkingConfig = { mode: 'adaptive' }

function problem(provider: BaseProvider, thinking: unknown): unknown {
  try {
    provider.validateThinkingConfig(thinking as ThinkingConfig)
    return undefined
  } catch (error) {
    return error instanceof RefreshError ? error.code : error
  }
}

test('a provider that only chats answers for everything else with what is safe', () => {
  const provider = new Plain()
  expect(provider.configuredThinking).toBeUndefined()
  expect(provider.capabilities()).toBeUndefined()
  expect(provider.defaultMaxTokens()).toBe(4096)
  expect(provider.structuredOutputSupport()).toBe('native')
})

test('what is known of the model decides how many tokens are the default', () => {
  expect(new Known('both').defaultMaxTokens()).toBe(8_000)
})

test.each<[ModelCapabilities['thinking'], unknown, unknown]>([
  ['none', 'invalid_request', 'invalid_request'],
  ['enabled', undefined, 'invalid_request'],
  ['adaptive', 'invalid_request', undefined],
  ['both', undefined, undefined],
])('a model that takes %s: mode enabled is %s, mode adaptive %s', (able, first, second) => {
  const provider = new Known(able)
  expect([problem(provider, enabled(1_000)), problem(provider, adaptive)]).toEqual([first, second])
  expect(problem(provider, undefined)).toBeUndefined()
})

test('where nothing is known, either mode is taken', () => {
  expect([problem(new Plain(), enabled(1_000_000)), problem(new Plain(), adaptive)]).toEqual([
    undefined,
    undefined,
  ])
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1000', undefined, null])(
  'a budget of %s is none',
  (budgetTokens) => {
    for (const provider of [new Plain(), new Known('both')]) {
      expect(problem(provider, { mode: 'enabled', budgetTokens })).toBe('invalid_request')
    }
  },
)

test('a budget leaves room for the answer', () => {
  expect(problem(new Known('both'), enabled(7_999))).toBeUndefined()
  expect(problem(new Known('both'), enabled(8_000))).toBe('invalid_request')
})

test.each([{ mode: 'disabled' }, {}, { mode: undefined }, 'enabled', 7])(
  'thinking that is none is refused in words: %j',
  (thinking) => {
    expect(problem(new Plain(), thinking)).toBe('invalid_request')
  },
)

test('a stream without a stream of its own hands out the answer of chat, which is asked once, and late', async () => {
  const provider = new Plain()
  const options = { signal: new AbortController().signal }
  const stream = provider.chatStream(request, options)
  expect(provider.calls).toHaveLength(0)
  expect(await drain(stream)).toEqual([
    { type: 'response', id: expect.any(String), model: expect.any(String) },
    { type: 'text_delta', delta: 'ok', blockIndex: 0 },
    {
      type: 'usage',
      usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheCreationInputTokens: 0 },
    },
    { type: 'done', stopReason: 'end_turn' },
  ])
  expect(provider.calls).toEqual([[request, options]])
  expect(provider.calls[0]?.[0]).toBe(request)
})

test('what chat throws, the stream throws', async () => {
  const error = new TypeError('fetch failed')
  class Broken extends Plain {
    override chat(): Promise<ChatOutcome> {
      return Promise.reject(error)
    }
  }
  await expect(drain(new Broken().chatStream(request))).rejects.toBe(error)
})

test.each<ChatOutcome>([
  { type: 'rate_limited' },
  { type: 'rate_limited', retryAfterMs: 1_500 },
  { type: 'server_error', message: 'overloaded', status: 529, code: 'overloaded_error' },
  { type: 'invalid_request', message: 'no', status: 401, code: 'token_expired', challenge: 'Bearer' },
])('a failure becomes one error delta, without a done: %j', async (outcome) => {
  const deltas = await drain(new Plain(outcome).chatStream(request))
  expect(deltas).toHaveLength(1)
  const { type, ...facts } = outcome
  expect(deltas[0]).toMatchObject({ type: 'error', kind: type, ...facts })
})
