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
  isUnauthorizedError,
  type DefaultRejectionRule,
  type RejectionRule,
  type RejectionRules,
  type UnauthorizedOptions,
  type Verdict,
} from './core/verdict/unauthorized.ts'
export type { AccessTokenOptions } from './credential/access-token.ts'
export type { CheckResult } from './credential/check.ts'
export type { Credential } from './credential/contract.ts'
export { createCredential } from './credential/credential.ts'
export type { CredentialOptions, FlushOptions, SharedCredentialOptions } from './credential/options.ts'
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
export type { Fetch } from './core/raw-fetch.ts'
export type { AppliedHeaders, Apply } from './surfaces/shared/apply.ts'
export { logEvents, type LogEventsOptions } from './observe/log-events.ts'
export type { HttpSurfaceOptions } from './surfaces/shared/http-surface.ts'
export { refreshingFetch, type RefreshingFetchOptions } from './surfaces/fetch/index.ts'
