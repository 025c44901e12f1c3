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

test('given a provider with chat only, when its other methods are called, then they return safe values', () => {
  const provider = new Plain()
  expect(provider.configuredThinking).toBeUndefined()
  expect(provider.capabilities()).toBeUndefined()
  expect(provider.defaultMaxTokens()).toBe(4096)
  expect(provider.structuredOutputSupport()).toBe('native')
})

test('given facts about the model, when a request has no maxTokens, then they decide the default', () => {
  expect(new Known('both').defaultMaxTokens()).toBe(8_000)
})

test.each<[ModelCapabilities['thinking'], unknown, unknown]>([
  ['none', 'invalid_request', 'invalid_request'],
  ['enabled', undefined, 'invalid_request'],
  ['adaptive', 'invalid_request', undefined],
  ['both', undefined, undefined],
])(
  'given a model that takes %s, when thinking is validated, then enabled is %s and adaptive %s',
  (able, first, second) => {
    const provider = new Known(able)
    expect([problem(provider, enabled(1_000)), problem(provider, adaptive)]).toEqual([first, second])
    expect(problem(provider, undefined)).toBeUndefined()
  },
)

test('given no facts about the model, when thinking is validated, then either mode is allowed', () => {
  expect([problem(new Plain(), enabled(1_000_000)), problem(new Plain(), adaptive)]).toEqual([
    undefined,
    undefined,
  ])
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1000', undefined, null])(
  'given a budget of %s, when thinking is validated, then it is refused',
  (budgetTokens) => {
    for (const provider of [new Plain(), new Known('both')]) {
      expect(problem(provider, { mode: 'enabled', budgetTokens })).toBe('invalid_request')
    }
  },
)

test("given a budget as large as the response's limit, when thinking is validated, then it is refused", () => {
  expect(problem(new Known('both'), enabled(7_999))).toBeUndefined()
  expect(problem(new Known('both'), enabled(8_000))).toBe('invalid_request')
})

test.each([{ mode: 'disabled' }, {}, { mode: undefined }, 'enabled', 7])(
  'given %j as thinking, when it is validated, then the error says what it must be',
  (thinking) => {
    expect(problem(new Plain(), thinking)).toBe('invalid_request')
  },
)

test("given a provider without a stream of its own, when a stream is read, then it sends chat's response, which is asked once, and only then", async () => {
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

test('given a chat that throws, when a stream is read, then the stream throws the same error', async () => {
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
])(
  'given the failure %j, when a stream is read, then it is one error delta, without a done',
  async (outcome) => {
    const deltas = await drain(new Plain(outcome).chatStream(request))
    expect(deltas).toHaveLength(1)
    const { type, ...facts } = outcome
    expect(deltas[0]).toMatchObject({ type: 'error', kind: type, ...facts })
  },
)
