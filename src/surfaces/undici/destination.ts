import { subscribe } from 'node:diagnostics_channel'
import type { Dispatch, DispatchHandler, DispatchOptions } from './types.ts'

/** A request with a credential. */
export interface Bound {
  /** May the credential go there? */
  isAllowed(origin: string): boolean
  /** It goes elsewhere: nothing has been sent yet. */
  misled(origin: string): void
}

interface Dispatching {
  readonly bound: Bound
  readonly options: DispatchOptions
}

/** The dispatch that runs now. */
let dispatching: Dispatching | undefined
let isSubscribed = false

/**
 * Dispatches, and finds out where the request really goes: a Client or a Pool sends to its own server, whatever origin a request names. undici
 * tells when it makes a request, before it sends anything.
 */
export function dispatchWatched(
  bound: Bound,
  dispatch: Dispatch,
  options: DispatchOptions,
  handler: DispatchHandler,
): boolean {
  if (!isSubscribed) subscribe('undici:request:create', created)
  isSubscribed = true
  const outer = dispatching
  dispatching = { bound, options }
  try {
    return dispatch(options, handler)
  } finally {
    dispatching = outer
  }
}

function created(message: unknown): void {
  if (dispatching === undefined) return
  const { bound, options } = dispatching
  const request: unknown = Reflect.get(Object(message), 'request')
  if (typeof request !== 'object' || request === null || !('origin' in request)) return
  const { origin } = request
  if (typeof origin !== 'string' || bound.isAllowed(origin) || !URL.canParse(origin)) return
  // Another request may be made on the way, by an interceptor.
  const path = String(Reflect.get(request, 'path'))
  const isOurs = Reflect.get(request, 'method') === options.method && path.startsWith(options.path)
  // We send no Host header. Where there is one, an interceptor of undici's has looked up the address, or has found a proxy.
  if (!isOurs || typeof Reflect.get(request, 'host') === 'string') return
  const { origin: canonical } = new URL(origin)
  if (!bound.isAllowed(canonical)) bound.misled(canonical)
}
