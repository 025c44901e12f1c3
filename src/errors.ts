/**
 * The codes of this library's errors.
 *
 * | code | meaning | mended by |
 * | --- | --- | --- |
 * | `credential_missing` | the account is logged out, or was never logged in: there is no value | `set()` / a login |
 * | `refresh_failed` | the refresh function threw; its error is the `cause` | time |
 * | `refresh_timeout` | the refresh did not settle before its deadline | time |
 * | `refresh_suspended` | too soon after a failure, or refreshing does not help | time |
 * | `refresh_reentrant` | the refresh function waits for the same cell that it refreshes | code |
 * | `reauthentication_required` | only a person can mend it (terminal) | a person |
 * | `unchanged` | the source has no newer value than the rejected one | time |
 * | `source_unreachable` | the source could not be reached, or its response broke off | time |
 * | `source_unavailable` | the source cannot respond now: 5xx, or a page for people | time |
 * | `source_rate_limited` | the source asks to wait (429) | time |
 * | `source_refused` | the source refuses this client, or its request | code |
 * | `source_invalid` | the source sent an invalid response | its server |
 * | `store_failed` | the store could not be read, locked or written | time |
 * | `store_invalid` | the stored record cannot be read: it is damaged, of another program, or sealed with another key | a person |
 * | `invalid_value` | a refresh, or a `map` build, returned nothing | code |
 * | `invalid_provider` | an object is not a provider, where one is needed | code |
 * | `invalid_option` | an option has an invalid value or does not exist | code |
 * | `invalid_request` | a request that cannot be sent | code |
 * | `body_not_replayable` | a rejected request cannot be sent again: its body was a stream, or is too large | code |
 * | `redirect_refused` | a redirect would have carried the credential to another origin | code |
 * | `invalid_stream` | a stream breaks the contract of `StreamDelta` | its provider |
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

/** Options of a {@link RefreshError}. */
export interface RefreshErrorOptions {
  /** The underlying error. You can read it, but no printer shows it: it may hold a secret. */
  cause?: unknown
  /** Only a person can mend it. Default: true for `reauthentication_required`, else false. */
  terminal?: boolean | undefined
  /** How long to wait before trying again, in ms. Anything but a number from 0 counts as not known. */
  retryAfterMs?: number | undefined
}

// Two copies of this package in one process share the registry, so `instanceof` holds across them.
const BRAND = Symbol.for('llm-refresh.RefreshError')
/**
 * The one error class of this library: branch on `code`. `instanceof` also holds for an error of another
 * copy of the package.
 *
 * Printing an error (`console.log`, `util.inspect`, an uncaught error) shows its message and its code, but not its
 * cause, which may hold a secret. Read the cause from `error.cause`.
 *
 * @example
 * throw new RefreshError('reauthentication_required', 'Run `mytool login`: the session was revoked.')
 */
export class RefreshError extends Error {
  readonly code: RefreshErrorCode
  /** Only a person can mend it: the next refresh runs after `set()`, or after `reread` returned a different value. */
  readonly terminal: boolean
  /** How long to wait before trying again, in ms; undefined if it is not known. */
  readonly retryAfterMs: number | undefined

  constructor(code: RefreshErrorCode, message: string, options: RefreshErrorOptions = {}) {
    super(message)
    const { cause, terminal = code === 'reauthentication_required', retryAfterMs } = options
    this.code = code
    this.terminal = terminal
    // A flight calculates with this. A BigInt or a text would throw there, and end the process.
    this.retryAfterMs = typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
    // A getter, because no printer calls getters, not even Node's for an uncaught error.
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

// Set by hand, because a minifier changes the name of the class.
Object.assign(RefreshError.prototype, { name: 'RefreshError', [BRAND]: true })
