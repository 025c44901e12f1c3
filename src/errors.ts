/**
 * Everything that this library itself has to say when something is wrong.
 *
 * | code | meaning | mended by |
 * | --- | --- | --- |
 * | `credential_missing` | there is no value, and none may be fetched (logged out) | `set()` / a login |
 * | `refresh_failed` | the refresh function threw; its error is the `cause` | time |
 * | `refresh_timeout` | the refresh did not settle before its deadline | time |
 * | `refresh_suspended` | too soon after a failure, or refreshing does not help | time |
 * | `refresh_reentrant` | a refresh needed the very cell it refreshes | code |
 * | `reauthentication_required` | only a person can mend it (terminal) | a person |
 * | `unchanged` | there is nothing newer than the very value that was rejected | time |
 * | `source_unreachable` | the source could not be reached, or its answer broke off | time |
 * | `source_unavailable` | the source cannot answer now: 5xx, or a page for people | time |
 * | `source_rate_limited` | the source asks to wait (429) | time |
 * | `source_refused` | the source says no to this client, or to what it asks | code |
 * | `source_invalid` | the answer of the source is not what it should be | its server |
 * | `store_failed` | the store could not be read, locked or written | time |
 * | `store_invalid` | what is stored cannot be read: it is damaged, of another program, or sealed with another key | a person |
 * | `invalid_value` | a refresh, or a `map` build, returned nothing | code |
 * | `invalid_provider` | a thing that should be a provider is none | code |
 * | `invalid_option` | an option that cannot be | code |
 * | `invalid_request` | a request that cannot be sent | code |
 * | `body_not_replayable` | a rejected request cannot be sent again: its body was a stream, or is too large | code |
 * | `redirect_refused` | a redirect would have carried the credential elsewhere | code |
 * | `invalid_stream` | a stream that breaks the contract of `StreamDelta` | its provider |
 */
export type RefreshErrorCode =
  | 'credential_missing'
  | 'refresh_failed'
  | 'refresh_timeout'
  | 'refresh_suspended'
  | 'refresh_reentrant'
  | 'reauthentication_required'
  | 'unchanged'
  | 'source_unreachable'
  | 'source_unavailable'
  | 'source_rate_limited'
  | 'source_refused'
  | 'source_invalid'
  | 'store_failed'
  | 'store_invalid'
  | 'invalid_value'
  | 'invalid_provider'
  | 'invalid_option'
  | 'invalid_request'
  | 'body_not_replayable'
  | 'redirect_refused'
  | 'invalid_stream'

/** What a {@link RefreshError} may carry besides its code and message. */
export interface RefreshErrorOptions {
  /** What went wrong underneath. It is kept for you to read, and never printed: it may hold a secret. */
  cause?: unknown
  /** Only a person can mend it. Default: true for `reauthentication_required`, else false. */
  terminal?: boolean | undefined
  /** How long to wait before trying again, in ms. */
  retryAfterMs?: number | undefined
}

// Two copies of this package in one process share the registry, so `instanceof` holds across them.
const BRAND = Symbol.for('llm-refresh.RefreshError')
/**
 * The one error class of this library: branch on `code`. `instanceof` also holds for an error of another
 * copy of the package.
 *
 * Printing one (`console.log`, `util.inspect`, an uncaught error) shows its message and its code, but not its cause:
 * that may hold a secret. Read it from `cause`.
 *
 * @example
 * throw new RefreshError('reauthentication_required', 'Run `mytool login`: the session was revoked.')
 */
export class RefreshError extends Error {
  readonly code: RefreshErrorCode
  /** Only a person can mend it: no refresh is tried again before `set()`, or before `reread` shows something different. */
  readonly terminal: boolean
  /** How long to wait before trying again, in ms, when that is known. */
  readonly retryAfterMs: number | undefined

  constructor(code: RefreshErrorCode, message: string, options: RefreshErrorOptions = {}) {
    super(message)
    const { cause, terminal = code === 'reauthentication_required', retryAfterMs } = options
    this.code = code
    this.terminal = terminal
    // What is no number (a BigInt, a text) would end the flight that reckons with it, and with it the process.
    this.retryAfterMs = typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
    // A getter is what no printer follows, not even that of an uncaught error.
    if ('cause' in options) Object.defineProperty(this, 'cause', { get: () => cause, configurable: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== RefreshError) return super[Symbol.hasInstance](value)
    try {
      return BRAND in Object(value)
    } catch {
      return false // a revoked proxy
    }
  }
}

// The name is not taken from the class, for a minifier changes that.
Object.assign(RefreshError.prototype, { name: 'RefreshError', [BRAND]: true })
