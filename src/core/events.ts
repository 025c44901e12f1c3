import { RefreshError } from '../errors.ts'

/** Why a refresh runs: there is no value, its expiry is near or past, or the remote side rejected it. */
export type RefreshCause = 'missing' | 'expiring' | 'rejected'

/** A problem or a notable fact, with its remedy. It holds no secret. */
export interface Finding {
  /** A name for programs, such as `client_without_timeout`. */
  readonly code: string
  readonly level: 'ok' | 'warning' | 'error'
  readonly message: string
  /** The remedy. undefined if there is nothing to do. */
  readonly fix: string | undefined
}

/** An event names the account and the origin that it concerns. It holds no secret. Durations are in ms. */
export type RefreshEvent = {
  /** The account's name, if the credential belongs to a pool or has a `key` of its own. */
  readonly key?: string | undefined
  /** The origin of the call that this event is about, if a surface for HTTP requests made the call. */
  readonly origin?: string | undefined
} &
  /** The remote side rejected a generation. `stale`: a newer generation was in force already, so no refresh runs. */
  (
    | { readonly type: 'rejected'; readonly generation: number; readonly stale: boolean }
    /** The cell calls the refresh function. `generation` is the one in force; 0 for none. */
    | { readonly type: 'refresh_started'; readonly generation: number; readonly cause: RefreshCause }
    /** A new generation is in force. `duration` is in ms. `joined`: callers that waited. `late`: the value arrived after the deadline. */
    | {
        readonly type: 'refresh_succeeded'
        readonly generation: number
        readonly cause: RefreshCause
        readonly duration: number
        readonly joined: number
        readonly late: boolean
        /** epoch ms: when the new value expires; undefined if it is not known. */
        readonly expiresAt?: number | undefined
      }
    /** A refresh failed, or was given up. `duration` is in ms. `joined`: callers that waited. */
    | {
        readonly type: 'refresh_failed'
        readonly generation: number
        readonly cause: RefreshCause
        readonly duration: number
        readonly joined: number
        readonly error: RefreshError
      }
    /**
     * A refresh brought a value after `set()`, `clear()` or a newer value: the cell discarded it. Without a `cause`: the credential discarded
     * a token that it could not store before, because the store holds a newer login or token by now.
     */
    | {
        readonly type: 'refresh_discarded'
        readonly generation: number
        readonly cause?: RefreshCause | undefined
      }
    /** A person logged in: `set()`, or `login()` of a credential. */
    | { readonly type: 'set'; readonly generation: number }
    /** A person logged out: `clear()`, or `logout()` of a credential. `generation` is the last one that was in force. */
    | { readonly type: 'cleared'; readonly generation: number }
    /** The credential read its first token from the store. */
    | { readonly type: 'loaded'; readonly revision: number }
    /** The credential read a newer token from the store: another process or host has refreshed, or a person has logged in there. */
    | { readonly type: 'adopted'; readonly revision: number }
    /** The source issued a token. */
    | { readonly type: 'issued' }
    /**
     * A refresh waits for the account's lock, which another process, or another credential of this process, holds; or for one of the store's
     * `maxLocks`. A user's own store may send no such event.
     */
    | { readonly type: 'lock_waiting' }
    /** The wait of `lock_waiting` is over. `duration` is in ms. */
    | { readonly type: 'lock_waited'; readonly duration: number }
    /** The credential wrote a token to the store. */
    | { readonly type: 'persisted'; readonly revision: number }
    /** The store did not take a token. The credential uses the token, keeps it, and tries to write it again. */
    | { readonly type: 'persist_failed'; readonly error: RefreshError }
    /** The store lost the record of a token that is in use. The credential writes the token again. */
    | { readonly type: 'record_vanished'; readonly revision: number }
    /** The configuration holds a new refresh token. The credential does not try it while the stored login works. */
    | { readonly type: 'seed_ignored' }
    /** The endpoint refuses what a challenge demands. The credential refreshes without the demand. */
    | { readonly type: 'challenge_refused' }
    /** A problem that `check()` reports too, such as a missing setting of a store's client. */
    | { readonly type: 'finding'; readonly finding: Finding }
    /** A server responded 401 to a request whose origin is not among the `origins` of its surface. Sent once for each origin. */
    | { readonly type: 'bypassed'; readonly origin: string }
    /**
     * The remote side demands a wider scope. Without a `reason`, the credential asks the source for the scope. With a `reason`, it does not:
     * only a person can grant the scope, or too many scopes were demanded. No caller gets the `reason` thrown. Sent once for each scope.
     */
    | {
        readonly type: 'scope_demanded'
        readonly generation: number
        /** Separated by spaces (RFC 6749 section 3.3); empty if the remote side names none. */
        readonly scope: string
        readonly reason: RefreshError | undefined
      }
    /** A call makes its second attempt, with this generation. */
    | { readonly type: 'retried'; readonly generation: number }
    /** The remote side rejected a call, and the caller got the rejection: there is no newer generation, or the call cannot be repeated. */
    | { readonly type: 'not_retried'; readonly generation: number; readonly error: RefreshError }
  )

/** Receives events. The library ignores an error that a listener throws, so that a listener breaks no call. */
export type RefreshListener = (event: RefreshEvent) => void

/** Calls one listener. */
export function tell(listener: RefreshListener, event: RefreshEvent): void {
  try {
    const returned: unknown = listener(event)
    if (returned instanceof Promise) returned.catch(() => undefined)
  } catch {
    // A listener breaks no call: see RefreshListener.
  }
}

function className(thrown: unknown): string {
  try {
    const name: unknown = Reflect.get(Object(thrown), 'name')
    if (typeof name === 'string' && /^[A-Za-z]\w{0,63}$/.test(name)) return name
  } catch {
    // a hostile object
  }
  return typeof thrown
}

/**
 * Turns any error into a `RefreshError`. A foreign error becomes the cause. A foreign message may hold a secret, so our message names only
 * the class of the error.
 */
export function asRefreshError(error: unknown): RefreshError {
  if (error instanceof RefreshError && isSound(error)) return error
  const message = `The source's issue(), or the refresh function, threw an error of its own (${className(error)}): 'error.cause' has it in onEvent, and llm-refresh/debug prints it. Mend that function.`
  return new RefreshError('refresh_failed', message, {
    cause: error,
    retryAfterMs: retryAfterOf(error),
  })
}

/** Another copy of the package, or a `Proxy`, may have made the error: members of a wrong type must not end the process. */
function isSound(error: RefreshError): boolean {
  try {
    const { code, message, terminal, retryAfterMs } = error
    const isReckonable = retryAfterMs === undefined || (typeof retryAfterMs === 'number' && retryAfterMs >= 0)
    return (
      typeof code === 'string' && typeof message === 'string' && typeof terminal === 'boolean' && isReckonable
    )
  } catch {
    return false
  }
}

function retryAfterOf(error: unknown): number | undefined {
  try {
    const retryAfterMs: unknown = Reflect.get(Object(error), 'retryAfterMs')
    if (typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs)) return retryAfterMs
  } catch {
    // A hostile error may throw from a getter. The flight must fail with it all the same.
  }
  return undefined
}
