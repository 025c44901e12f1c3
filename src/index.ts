/** The runtime-neutral face: no package, no `node:` module. */

export { RefreshError, type RefreshErrorCode, type RefreshErrorOptions } from './core/errors.ts'
export { BaseProvider } from './llm/base-provider.ts'
export type { ModelCapabilities, StructuredOutputSupport } from './llm/capabilities.ts'
export type {
  ContentBlock,
  MediaBlock,
  MediaSource,
  Message,
  RedactedThinkingBlock,
  Role,
  TextBlock,
  ThinkingBlock,
  ToolResultBlock,
  ToolUseBlock,
} from './llm/content.ts'
export type { LlmProvider } from './llm/provider.ts'
export type {
  CallOptions,
  ChatRequest,
  Effort,
  JsonSchema,
  ResponseFormat,
  ThinkingConfig,
  Tool,
  ToolChoice,
} from './llm/request.ts'
export type {
  ChatOutcome,
  ChatResponse,
  StopReason,
  StreamDelta,
  StreamErrorDelta,
  StreamErrorKind,
  Usage,
} from './llm/response.ts'
