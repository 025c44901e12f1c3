/** The provider contract, and a provider that does not go stale. No package, no `node:` module. */

export { BaseProvider } from '../../llm/base-provider.ts'
export type { ModelCapabilities, ModelInfo, StructuredOutputSupport } from '../../llm/capabilities.ts'
export type {
  ContentBlock,
  MediaBlock,
  MediaSource,
  Message,
  OpaqueReasoningBlock,
  ProviderMetadata,
  ProviderToolResultBlock,
  ProviderToolUseBlock,
  RedactedThinkingBlock,
  Role,
  SourceBlock,
  TextBlock,
  ThinkingBlock,
  ToolApprovalRequestBlock,
  ToolApprovalResponseBlock,
  ToolResultBlock,
  ToolUseBlock,
  WholeBlock,
} from '../../llm/content.ts'
export type { EmbedOutcome, EmbedRequest, EmbedResponse } from '../../llm/embedding.ts'
export type { LlmProvider } from '../../llm/provider.ts'
export type {
  CallOptions,
  ChatRequest,
  Effort,
  JsonSchema,
  ResponseFormat,
  ThinkingConfig,
  Tool,
  ToolChoice,
} from '../../llm/request.ts'
export type {
  ChatOutcome,
  ChatResponse,
  ResponseInfo,
  StopReason,
  StreamDelta,
  StreamErrorDelta,
  StreamErrorKind,
  Usage,
} from '../../llm/response.ts'
export { type ResponseIdentity, collectStream, StreamAccumulator } from '../../llm/stream-accumulator.ts'
export type { SharedWrapperOptions, WrapperOptions } from '../shared/wrapper.ts'
export {
  RefreshingProvider,
  type RefreshingProviderOptions,
  type SharedProviderOptions,
} from './refreshing-provider.ts'
