// The ten tests of the provider wrapper that this library began with, in its order.
import { expect, test } from 'vitest'
import { isUnauthorizedError } from '../../src/index.ts'
import {
  BaseProvider,
  type ChatOutcome,
  type LlmProvider,
  RefreshingProvider,
  type StreamDelta,
  type StructuredOutputSupport,
  type ThinkingConfig,
} from '../../src/surfaces/provider/index.ts'
import { drain, request, success } from '../support/scripted.ts'

/** Answers from two queues, whatever credential it was built with. */
class MockProvider extends BaseProvider {
  readonly provider = 'mock'
  readonly model = 'mock-model'
  chatCalls = 0
  streamCalls = 0
  readonly outcomes: ChatOutcome[] = []
  readonly batches: StreamDelta[][] = []

  async chat(): Promise<ChatOutcome> {
    this.chatCalls++
    const outcome = this.outcomes.shift()
    if (outcome === undefined) throw new Error('no queued outcome')
    return outcome
  }

  override async *chatStream(): AsyncIterable<StreamDelta> {
    this.streamCalls++
    const batch = this.batches.shift()
    if (batch === undefined) throw new Error('no queued stream batch')
    yield* batch
  }

  override defaultMaxTokens(): number {
    return 32_000
  }

  override structuredOutputSupport(): StructuredOutputSupport {
    return 'tool_forcing'
  }

  override validateThinkingConfig(thinking: ThinkingConfig | undefined): void {
    if (thinking !== undefined) throw new Error('mock rejects thinking')
  }
}

function wrap(mock: MockProvider, refreshed: () => Promise<LlmProvider> = async () => mock) {
  const count = { refreshes: 0 }
  const wrapped = new RefreshingProvider(mock, () => {
    count.refreshes++
    return refreshed()
  })
  return { wrapped, count }
}

const invalid = (message: string): ChatOutcome => ({ type: 'invalid_request', message })
const error = (message: string): StreamDelta => ({ type: 'error', kind: 'invalid_request', message })
const text = (delta: string): StreamDelta => ({ type: 'text_delta', delta, blockIndex: 0 })
const done: StreamDelta = { type: 'done', stopReason: 'end_turn' }

test('[P10] the wrapper answers for capabilities as the wrapped provider does', () => {
  const { wrapped } = wrap(new MockProvider())
  expect(wrapped.defaultMaxTokens()).toBe(32_000)
  expect(wrapped.structuredOutputSupport()).toBe('tool_forcing')
  expect(() => wrapped.validateThinkingConfig({ mode: 'adaptive' })).toThrow('mock rejects thinking')
  expect(() => wrapped.validateThinkingConfig(undefined)).not.toThrow()
})

test('[U1] the truth table of messages', () => {
  const table: [string, boolean][] = [
    ['HTTP 401', true],
    ['status=401 Unauthorized', true],
    ['Invalid API key', true],
    ['invalid_api_key', true],
    ['token_expired', true],
    ['Authentication failed', true],
    ['UNAUTHORIZED', true],
    ['rate limited', false],
    ['network error', false],
    ['', false],
    ['internal server error', false],
  ]
  expect(table.map(([message]) => [message, isUnauthorizedError(message)])).toEqual(table)
})

test('[P1] a successful chat passes through and does not refresh', async () => {
  const mock = new MockProvider()
  mock.outcomes.push(success)
  const { wrapped, count } = wrap(mock)
  expect(await wrapped.chat(request)).toBe(success)
  expect([count.refreshes, mock.chatCalls]).toEqual([0, 1])
})

test('[P2] a 401 from chat refreshes and tries again', async () => {
  const mock = new MockProvider()
  mock.outcomes.push(invalid('401 Unauthorized'), success)
  const { wrapped, count } = wrap(mock)
  expect(await wrapped.chat(request)).toBe(success)
  expect([count.refreshes, mock.chatCalls]).toEqual([1, 2])
})

test('[P4] chat surfaces the original 401 when the refresh fails', async () => {
  const mock = new MockProvider()
  const original = invalid('status=401 Unauthorized')
  mock.outcomes.push(original)
  const { wrapped, count } = wrap(mock, () => Promise.reject(new Error('refresh callback failed')))
  expect(await wrapped.chat(request)).toBe(original)
  expect([count.refreshes, mock.chatCalls]).toEqual([1, 1])
})

test('[P1, P8] a successful stream passes through', async () => {
  const mock = new MockProvider()
  mock.batches.push([text('hi'), done])
  const { wrapped, count } = wrap(mock)
  expect(await drain(wrapped.chatStream(request))).toEqual([text('hi'), done])
  expect([count.refreshes, mock.streamCalls]).toEqual([0, 1])
})

test('[P5] a 401 before output reopens the stream; the consumer sees only the second one', async () => {
  const mock = new MockProvider()
  mock.batches.push([error('status=401 Unauthorized')], [text('retried'), done])
  const { wrapped, count } = wrap(mock)
  expect(await drain(wrapped.chatStream(request))).toEqual([text('retried'), done])
  expect([count.refreshes, mock.streamCalls]).toEqual([1, 2])
})

test('[P6] a 401 after output is forwarded and does not refresh', async () => {
  const mock = new MockProvider()
  mock.batches.push([text('partial'), error('401 Unauthorized')])
  const { wrapped, count } = wrap(mock)
  expect(await drain(wrapped.chatStream(request))).toEqual([text('partial'), error('401 Unauthorized')])
  expect([count.refreshes, mock.streamCalls]).toEqual([0, 1])
})

test('[P7] a stream is retried only once', async () => {
  const mock = new MockProvider()
  mock.batches.push([error('status=401 Unauthorized')], [error('still 401 Unauthorized')])
  const { wrapped, count } = wrap(mock)
  expect(await drain(wrapped.chatStream(request))).toEqual([error('still 401 Unauthorized')])
  expect([count.refreshes, mock.streamCalls]).toEqual([1, 2])
})

test('[P2, P11, C1] two callers rejected at once cause exactly one refresh', async () => {
  let calls = 0
  let bothAreIn: () => void = () => undefined
  const barrier = new Promise<void>((resolve) => (bothAreIn = resolve))
  class Concurrent extends MockProvider {
    override async chat(): Promise<ChatOutcome> {
      const call = ++calls
      if (call === 2) bothAreIn()
      if (call > 2) return success
      await barrier
      return invalid('401 Unauthorized')
    }
  }
  const { wrapped, count } = wrap(new Concurrent(), async () => new Concurrent())
  const outcomes = await Promise.all([wrapped.chat(request), wrapped.chat(request)])
  expect(outcomes).toEqual([success, success])
  expect([calls, count.refreshes]).toEqual([4, 1])
})
