/** The runtime-neutral face: no package, no `node:` module. */

export type { Clock } from './lib/clock.ts'
export { RefreshError, type RefreshErrorCode, type RefreshErrorOptions } from './errors.ts'
export type { Finding, RefreshCause, RefreshEvent, RefreshListener } from './core/events.ts'
export type { ErrorFacts } from './core/verdict/facts.ts'
export type { RefreshableOptions } from './core/options.ts'
export { Refreshable } from './core/refreshable.ts'
export type {
  Background,
  Generation,
  Refresh,
  RefreshContext,
  Refresher,
  RejectionOptions,
  Snapshot,
  WaitOptions,
} from './core/refresher.ts'
export { retryOnce, type RetryPolicy } from './core/retry-once.ts'
export type { Judgement, CommonPolicy } from './core/retry-policy.ts'
export { retryStreamOnce, type StreamPolicy } from './core/retry-stream-once.ts'
export {
  defaultRejectionRules,
  isUnauthorizedError,
  rejectionRules,
  verdict,
  type DefaultRejectionRule,
  type RejectionRule,
  type RejectionRules,
  type Verdict,
} from './core/verdict/unauthorized.ts'
export type { AccessTokenOptions } from './credential/access-token.ts'
export type { CheckResult } from './credential/check.ts'
export { createCredential, type Credential, type FlushOptions } from './credential/credential.ts'
export type { CredentialOptions, SharedCredentialOptions } from './credential/options.ts'
export { type CredentialPool, createCredentialPool, type CredentialPoolOptions } from './credential/pool.ts'
export type { Source, SourceContext } from './credential/source.ts'
export type { CredentialStatus } from './credential/status.ts'
export type {
  StoreChange,
  MadeFor,
  RecordContent,
  Store,
  StoreContext,
  StoredFailure,
  StoredRecord,
  UpdateNews,
  UpdateOptions,
} from './credential/store.ts'
export { memoryStore } from './credential/memory-store.ts'
export type { AccessToken } from './credential/token.ts'
export type { JsonValue } from './lib/json.ts'
export type { TokenResponse } from './credential/token/token-response.ts'
export { logEvents, type LogEventsOptions } from './observe/log-events.ts'
export type { Apply } from './surfaces/shared/apply.ts'
export type { HttpSurfaceOptions } from './surfaces/shared/http-options.ts'
export { BaseProvider } from './llm/base-provider.ts'
export type { ModelCapabilities, StructuredOutputSupport } from './llm/capabilities.ts'
export type {
  ContentBlock,
  MediaBlock,
  MediaSource,
  Message,
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
  ResponseInfo,
  StopReason,
  StreamDelta,
  StreamErrorDelta,
  StreamErrorKind,
  Usage,
} from './llm/response.ts'
export { type ResponseIdentity, collectStream, StreamAccumulator } from './llm/stream-accumulator.ts'
export { refreshingFetch, type RefreshingFetchOptions } from './surfaces/fetch/index.ts'
export {
  RefreshingProvider,
  type RefreshingProviderOptions,
  type SharedProviderOptions,
} from './surfaces/provider.ts'
