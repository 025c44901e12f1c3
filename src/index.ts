/** The runtime-neutral face: no package, no `node:` module. */

export type { Clock } from './core/clock.ts'
export { RefreshError, type RefreshErrorCode, type RefreshErrorOptions } from './core/errors.ts'
export type { Finding, RefreshEvent, RefreshListener } from './core/events.ts'
export type { ErrorFacts } from './core/facts.ts'
export type { RefreshableOptions } from './core/options.ts'
export { Refreshable } from './core/refreshable.ts'
export type {
  Background,
  Generation,
  Refresh,
  RefreshCause,
  RefreshContext,
  Refresher,
  RejectionOptions,
  Snapshot,
  WaitOptions,
} from './core/refresher.ts'
export { retryOnce, type RetryPolicy } from './core/retry-once.ts'
export type { Answer, CommonPolicy } from './core/retry-policy.ts'
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
} from './core/unauthorized.ts'
export type { AccessTokenOptions } from './credentials/access-token.ts'
export type { CheckResult } from './credentials/check.ts'
export { credential, type Credential, type FlushOptions } from './credentials/credential.ts'
export type { CredentialOptions, SharedCredentialOptions } from './credentials/options.ts'
export { type CredentialPool, credentialPool, type CredentialPoolOptions } from './credentials/pool.ts'
export type { Source, SourceContext } from './credentials/source.ts'
export type { CredentialStatus } from './credentials/status.ts'
export type {
  Change,
  MadeFor,
  RecordContent,
  Store,
  StoreContext,
  StoredFailure,
  StoredRecord,
  UpdateNews,
  UpdateOptions,
} from './credentials/store.ts'
export { MemoryStore } from './credentials/stores/memory.ts'
export type { AccessToken, JsonValue } from './credentials/token.ts'
export type { TokenResponse } from './credentials/token-response.ts'
export type { Apply } from './http/apply.ts'
export type { HttpOptions } from './http/options.ts'
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
export { type AnswerIdentity, collectStream, StreamAccumulator } from './llm/stream-accumulator.ts'
export { refreshingFetch, type RefreshingFetchOptions } from './surfaces/fetch.ts'
export {
  RefreshingProvider,
  type RefreshingProviderOptions,
  type SharedProviderOptions,
} from './surfaces/provider.ts'
