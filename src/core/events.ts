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
  /** The account: of a pool's credential, and of one that was given a `key`. */
  readonly key?: string | undefined
  /** The origin of the call that this event is about, if a surface for HTTP requests made the call. */
  readonly origin?: string | undefined
} &
  /** The remote side rejected a generation. `stale`: a newer one was in force already, so nothing is refreshed. */
  (
    | { readonly type: 'rejected'; readonly generation: number; readonly stale: boolean }
    /** The refresh function is being called. `generation` is the one in force; 0 for none. */
    | { readonly type: 'refresh_started'; readonly generation: number; readonly cause: RefreshCause }
    /** A new generation is in force. `late`: it arrived after the deadline. */
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
    | {
        readonly type: 'refresh_failed'
        readonly generation: number
        readonly cause: RefreshCause
        readonly duration: number
        readonly joined: number
        readonly error: RefreshError
      }
    /**
     * A refresh brought a value after `set()` or `clear()`, or after a newer one: it was not adopted. Without a `cause`: a token that could
     * not be stored was dropped, for the store holds a newer login by now.
     */
    | {
        readonly type: 'refresh_discarded'
        readonly generation: number
        readonly cause?: RefreshCause | undefined
      }
    | { readonly type: 'set'; readonly generation: number }
    | { readonly type: 'cleared'; readonly generation: number }
    /** A credential comes from its store: the first that this process knows. */
    | { readonly type: 'loaded'; readonly revision: number }
    /** A credential comes from its store: another process, or another host, has refreshed it or logged in. */
    | { readonly type: 'adopted'; readonly revision: number }
    /** A credential comes from its source. */
    | { readonly type: 'issued' }
    /** A refresh waits: another process, or another credential of this one, holds the lock of the account. A store need not tell. */
    | { readonly type: 'lock_waiting' }
    /** The wait of `lock_waiting` is over. */
    | { readonly type: 'lock_waited'; readonly duration: number }
    /** A credential was written to its store. */
    | { readonly type: 'persisted'; readonly revision: number }
    /** It could not be written. It is used, kept, and written at the next chance. */
    | { readonly type: 'persist_failed'; readonly error: RefreshError }
    /** The store lost the record of a token that is in use: it came back empty. The token is written again. */
    | { readonly type: 'record_vanished'; readonly revision: number }
    /** The configuration holds another refresh token than before. The stored login works, so it is not tried yet. */
    | { readonly type: 'seed_ignored' }
    /** The endpoint refuses what a challenge demands; the token is refreshed without it. */
    | { readonly type: 'challenge_refused' }
    /** Something is amiss that `check()` would report, too, such as a missing setting of a store's client. */
    | { readonly type: 'finding'; readonly finding: Finding }
    /** A request to an origin that is not among the `origins` of its surface was answered 401. Told once for each origin. */
    | { readonly type: 'bypassed'; readonly origin: string }
    /**
     * The remote side demands a wider scope. Without a `reason` the source is asked for it. A `reason`, which is not thrown, says why not:
     * only a person can grant it, or too many were demanded. Told once for each scope.
     */
    | {
        readonly type: 'scope_demanded'
        readonly generation: number
        /** Separated by spaces; empty if the remote side does not say. */
        readonly scope: string
        readonly reason: RefreshError | undefined
      }
    /** A call makes its second attempt, with this generation. */
    | { readonly type: 'retried'; readonly generation: number }
    /** A call was rejected and got its rejection, because no newer generation was to be had. */
    | { readonly type: 'not_retried'; readonly generation: number; readonly error: RefreshError }
  )

/** Receives events. An error that it throws is ignored: an observer must not break what it observes. */
export type RefreshListener = (event: RefreshEvent) => void

/** Calls one listener. */
export function tell(listener: RefreshListener, event: RefreshEvent): void {
  try {
    const returned: unknown = listener(event)
    if (returned instanceof Promise) returned.catch(() => undefined)
  } catch {
    // see RefreshListener
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
 * Turns any error into a `RefreshError`. A foreign error becomes the cause. Its message may hold a secret, so ours names only its class.
 */
export function asRefreshError(error: unknown): RefreshError {
  if (error instanceof RefreshError && isSound(error)) return error
  const message = `The source's issue(), or the refresh function, threw an error of its own (${className(error)}): 'error.cause' has it in onEvent, and llm-refresh/debug prints it. Mend that function.`
  return new RefreshError('refresh_failed', message, {
    cause: error,
    retryAfterMs: retryAfterOf(error),
  })
}

/** Another copy of the package, or a proxy, may have made the error: an unexpected one must not end the process. */
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
    // whatever was thrown, it must end the flight
  }
  return undefined
}
