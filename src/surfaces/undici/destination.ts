import { subscribe } from 'node:diagnostics_channel'
import type { Dispatch, DispatchHandler, DispatchOptions } from './types.ts'

/** A request that carries a credential. */
export interface Bound {
  /** True if the credential may go to this origin. */
  isAllowed(origin: string): boolean
  /** Called when the request turns out to go to another origin. undici has sent nothing yet. */
  misled(origin: string): void
}

interface Dispatching {
  readonly bound: Bound
  readonly options: DispatchOptions
}

/** The dispatch that is running now. */
let dispatching: Dispatching | undefined
let isSubscribed = false

/**
 * Dispatches a request, and checks where it really goes. A Client or a Pool sends to its own server, whatever origin a request names.
 * undici reports a request when it creates one, before it sends anything.
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
  // Ignore other requests: an interceptor may make one during the dispatch.
  const path = String(Reflect.get(request, 'path'))
  const isOurs = Reflect.get(request, 'method') === options.method && path.startsWith(options.path)
  // Ignore a request with a `Host` header, because we send none: undici's interceptor has added it, after it resolved the address or found
  // a proxy.
  if (!isOurs || typeof Reflect.get(request, 'host') === 'string') return
  const { origin: canonical } = new URL(origin)
  if (!bound.isAllowed(canonical)) bound.misled(canonical)
}
