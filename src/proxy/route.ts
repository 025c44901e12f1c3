import { assertRefresher } from '../core/refresher.ts'
import type { AccessToken } from '../credential/token.ts'
import { among, checkedOptions, describe, optionError, type OptionTable, unchecked } from '../lib/options.ts'
import { parsedUrl } from '../lib/secure-url.ts'
import type { Apply } from '../surfaces/shared/apply.ts'
import { readOrigins } from '../surfaces/shared/origins.ts'
import { interceptorFor } from '../surfaces/undici/interceptor.ts'
import type { Interceptor } from '../surfaces/undici/types.ts'
import type { ProxyOptions, ProxyPreset, ProxyRoute } from './options.ts'

/** A route whose options were read and checked. */
export interface Route {
  readonly name: string
  /** The upstream's origin. */
  readonly origin: string
  /** The path of `to`, without a slash at its end. */
  readonly base: string
  readonly preset: ProxyPreset | undefined
  readonly remedy: string | undefined
  readonly intercept: Interceptor
  /** True if the login is known to have ended. */
  isDead(): boolean
}

const PRESETS: Record<ProxyPreset, true> = {
  anthropic: true,
  openai: true,
  google: true,
  azure: true,
  mcp: true,
}

const OPTIONS = {
  ...unchecked('to', 'credential', 'apply'),
  preset: among(Object.keys(PRESETS)),
  remedy: (given) => (given === undefined || typeof given === 'string' ? undefined : 'must be a text'),
  ...unchecked('rules', 'inspectStreams'),
} satisfies OptionTable<ProxyRoute>

/** @throws RefreshError `invalid_option` */
export function readRoutes(options: ProxyOptions): ReadonlyMap<string, Route> {
  const { routes } = options
  if (typeof routes !== 'object' || routes === null) throw optionError('routes', 'must be an object')
  const read = Object.entries(routes).map(([name, route]) => [name, readRoute(name, route, options)] as const)
  if (read.length === 0)
    throw optionError('routes', 'must name an upstream, such as { openai: { to, credential } }')
  return new Map(read)
}

function readRoute(name: string, route: ProxyRoute, options: ProxyOptions): Route {
  const { plainHttpOrigins, replayLimit, onEvent } = options
  if (!/^[\w~][\w.~-]{0,63}$/.test(name))
    throw optionError(
      'routes',
      `has a name that is no segment of a path: '${name}'. Use letters, digits, and -_.~`,
    )
  const { to, credential, apply, preset, remedy, rules, inspectStreams } = checkedOptions(route, OPTIONS)
  const url = typeof to === 'string' ? parsedUrl(to) : undefined
  if (
    url === undefined ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== '' ||
    url.password !== ''
  ) {
    const what = typeof to === 'string' ? 'what is no such URL' : describe(to)
    throw optionError(
      'to',
      `must be a URL such as 'https://api.example.com/v1', without a user, a query or a fragment, not ${what}`,
    )
  }
  readOrigins(url.origin, plainHttpOrigins)
  const refresher = assertRefresher<AccessToken | string>(credential)
  return {
    name,
    origin: url.origin,
    base: url.pathname.replace(/\/+$/, ''),
    preset,
    remedy,
    isDead: () => refresher.isDead?.() === true,
    intercept: interceptorFor(
      refresher,
      {
        origins: url.origin,
        plainHttpOrigins: url.protocol === 'http:' ? plainHttpOrigins : undefined,
        apply: applyOf(apply),
        rules,
        inspectStreams,
        replayLimit,
        onEvent,
        // Send no request with the token of an ended login: the client learns at once what to do.
        whenDead: 'refuse',
      },
      { isOwned: true, goesStraight: options.dispatcher === undefined },
    ),
  }
}

/** Wraps a string for the function, which expects a token. */
function applyOf(apply: ProxyRoute['apply']): string | Apply<AccessToken | string> | undefined {
  if (typeof apply !== 'function') return apply
  return (value) => apply(typeof value === 'string' ? { accessToken: value } : value)
}

/**
 * Rewrites a URL of the upstream so that the client can ask for it through the proxy. A URL outside the route's base path stays the
 * upstream's.
 */
export function rewritten(route: Route, location: string, requestPath: string, base: string): string {
  const url = parsedUrl(location, `${route.origin}${requestPath}`)
  if (url === undefined || url.origin !== route.origin) return location
  const { pathname, search, hash } = url
  const isWithin = pathname === route.base || pathname.startsWith(`${route.base}/`)
  // Through the proxy this path would lead to another route.
  if (!isWithin) return url.href
  return `${base}/${route.name}${pathname.slice(route.base.length)}${search}${hash}`
}
