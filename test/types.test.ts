// The public types as a compiler sees them. These tests hold if `tsc` passes. Nothing happens at run time.
import { expectTypeOf, test } from 'vitest'
import { verdict } from '../src/core/verdict/unauthorized.ts'
import {
  isUnauthorizedError,
  type Refreshable,
  type Refresher,
  type RefreshError,
  type RefreshErrorCode,
  type RefreshEvent,
  type RejectionRule,
  type RejectionRules,
  retryOnce,
  retryStreamOnce,
  type Snapshot,
} from '../src/index.ts'
import {
  BaseProvider,
  type CallOptions,
  type ChatOutcome,
  type ChatRequest,
  collectStream,
  type ContentBlock,
  type LlmProvider,
  type ModelCapabilities,
  RefreshingProvider,
  type SharedProviderOptions,
  type StreamDelta,
  type StructuredOutputSupport,
  type ThinkingConfig,
} from '../src/surfaces/provider/index.ts'

test('given the types of a wrapper, when they are compared, then a wrapper can replace a provider', () => {
  expectTypeOf<RefreshingProvider>().toExtend<LlmProvider>()
  expectTypeOf<BaseProvider>().toExtend<LlmProvider>()
  expectTypeOf<RefreshingProvider['chat']>().toEqualTypeOf<
    (request: ChatRequest, options?: CallOptions) => Promise<ChatOutcome>
  >()
  expectTypeOf<ReturnType<RefreshingProvider['chatStream']>>().toExtend<AsyncIterableIterator<StreamDelta>>()
  expectTypeOf<RefreshingProvider['capabilities']>().returns.toEqualTypeOf<ModelCapabilities | undefined>()
  expectTypeOf<
    RefreshingProvider['structuredOutputSupport']
  >().returns.toEqualTypeOf<StructuredOutputSupport>()
  expectTypeOf<RefreshingProvider['configuredThinking']>().toEqualTypeOf<ThinkingConfig | undefined>()
  expectTypeOf<RefreshingProvider['provider']>().toEqualTypeOf<string>()
})

test('given both constructors of the wrapper, when their types are compared, then neither accepts the other’s options', () => {
  type Arguments = ConstructorParameters<typeof RefreshingProvider>
  expectTypeOf<() => Promise<LlmProvider>>().toExtend<Arguments[1]>()
  expectTypeOf<Refresher<LlmProvider>>().toExtend<Arguments[1]>()
  expectTypeOf<() => Promise<string>>().not.toExtend<Arguments[1]>()
  expectTypeOf<Refresher<string>>().not.toExtend<Arguments[1]>()
  expectTypeOf<{ deadline: number; rules: { invalid_token: false } }>().toExtend<NonNullable<Arguments[2]>>()
  expectTypeOf<NonNullable<Arguments[2]>>().not.toHaveProperty('initial')
  expectTypeOf<NonNullable<Arguments[2]>>().not.toHaveProperty('refresh')
  expectTypeOf<keyof SharedProviderOptions>().toEqualTypeOf<'background' | 'onEvent' | 'rules'>()
  expectTypeOf(RefreshingProvider.from).returns.resolves.toEqualTypeOf<RefreshingProvider>()
})

test('given a cell, when map(), snapshots and calls are typed, then each keeps the type of its value', () => {
  expectTypeOf<Refreshable<string>>().toExtend<Refresher<string>>()
  expectTypeOf<Refreshable<string>['snapshot']>().returns.resolves.toEqualTypeOf<Snapshot<string>>()
  expectTypeOf<Refreshable<string>['set']>().returns.toEqualTypeOf<Snapshot<string>>()
  const mapped = (cell: Refreshable<string>) => cell.map(async (token) => ({ token }))
  expectTypeOf(mapped).returns.toEqualTypeOf<Refresher<{ token: string }>>()
  expectTypeOf<Snapshot<string>['expiresAt']>().toEqualTypeOf<number | undefined>()

  const call = (cell: Refreshable<string>) => retryOnce(cell, async (token) => token.length, {})
  expectTypeOf(call).returns.resolves.toBeNumber()
  const stream = (cell: Refreshable<string>, open: (token: string) => AsyncIterable<7>) =>
    retryStreamOnce(cell, open, { isContent: () => true, isEnd: (item) => item === 7 })
  expectTypeOf(stream).returns.toExtend<AsyncIterable<7>>()
})

test('given a snapshot or an event, when its type is compared, then all members are readonly', () => {
  expectTypeOf<Snapshot<string>>().toEqualTypeOf<Readonly<Snapshot<string>>>()
  expectTypeOf<RefreshEvent>().branded.toEqualTypeOf<Readonly<RefreshEvent>>()
})

test('given the public unions, when they are narrowed, then `type` alone tells the members apart', () => {
  type Of<U, T extends string> = Extract<U, { type: T }>
  expectTypeOf<Of<ChatOutcome, 'success'>>().toHaveProperty('response')
  expectTypeOf<Of<ChatOutcome, 'rate_limited'>['retryAfterMs']>().toEqualTypeOf<number | undefined>()
  expectTypeOf<ChatOutcome['type']>().toEqualTypeOf<
    'success' | 'rate_limited' | 'invalid_request' | 'server_error'
  >()
  expectTypeOf<StreamDelta['type']>().toEqualTypeOf<
    | ('text_delta' | 'thinking_delta' | 'signature_delta' | 'tool_use_start' | 'tool_input_delta')
    | (
        | 'redacted_thinking'
        | 'opaque_reasoning'
        | 'response'
        | 'block'
        | 'block_metadata'
        | 'usage'
        | 'done'
        | 'error'
      )
  >()
  expectTypeOf<ContentBlock['type']>().toEqualTypeOf<
    | ('text' | 'thinking' | 'redacted_thinking' | 'opaque_reasoning' | 'image' | 'document' | 'source')
    | ('tool_use' | 'tool_result' | 'provider_tool_use' | 'provider_tool_result')
    | ('tool_approval_request' | 'tool_approval_response')
  >()
  expectTypeOf<Of<ContentBlock, 'tool_use'>['input']>().toBeUnknown()
  expectTypeOf<Extract<ThinkingConfig, { mode: 'adaptive' }>>().not.toHaveProperty('budgetTokens')
  expectTypeOf<Of<RefreshEvent, 'refresh_failed'>['error']>().toEqualTypeOf<RefreshError>()
})

test('given the least request, provider and stream, when their types are compared, then the public types accept them', () => {
  expectTypeOf<{ system: string; messages: [] }>().toExtend<ChatRequest>()
  expectTypeOf<{ messages: [] }>().not.toExtend<ChatRequest>()
  class Least extends BaseProvider {
    readonly provider = 'least'
    readonly model = 'least-1'
    async chat(): Promise<ChatOutcome> {
      return { type: 'rate_limited' }
    }
  }
  expectTypeOf<Least>().toExtend<LlmProvider>()
  expectTypeOf(collectStream).parameter(0).toEqualTypeOf<AsyncIterable<StreamDelta>>()
  expectTypeOf(collectStream).returns.resolves.toEqualTypeOf<ChatOutcome>()
})

test('given a verdict and an error code, when their types are compared, then a verdict accepts any value, and the codes are a closed list', () => {
  expectTypeOf<typeof isUnauthorizedError>().toExtend<(error: unknown) => boolean>()
  expectTypeOf(isUnauthorizedError).toBeCallableWith('401', { rules: { invalid_token: false } })
  expectTypeOf(verdict).parameter(0).toBeUnknown()
  expectTypeOf<RefreshError['code']>().toEqualTypeOf<RefreshErrorCode>()
  expectTypeOf<'invalid_stream'>().toExtend<RefreshErrorCode>()
  expectTypeOf<string>().not.toExtend<RefreshErrorCode>()
  expectTypeOf<{ mine: RejectionRule; invalid_token: false }>().toExtend<RejectionRules>()
  expectTypeOf<{ mine: true }>().not.toExtend<RejectionRules>()
})
