import type { Applied } from '../shared/apply.ts'
import { isIterable } from '../shared/body.ts'

/** The caller's headers, copied because the caller may change its own. The function puts a credential on them. */
export type KeptHeaders = (applied: Applied) => HeadersInit

/** The headers that could name another server. Only the URL of a request may name its server. */
const DESTINATION = ['host', ':authority']

/**
 * Keeps the headers in the form that the caller chose. A fetch beneath ours may rely on that form: it may spread an object, or read a
 * `Headers`.
 */
export function keepHeaders(given: HeadersInit | undefined): KeptHeaders {
  if (given === undefined || given === null) return fresh
  // Leave invalid headers to the platform, which reports what is wrong with them.
  if (typeof given !== 'object') return () => given
  if (!isIterable<[string, string]>(given)) {
    const kept: Record<string, string> = { ...given }
    return (applied) => withApplied(kept, applied)
  }
  if ('get' in given && 'append' in given) {
    const kept = new Headers(given)
    return (applied) => {
      const headers = new Headers(kept)
      for (const name of [...DESTINATION.slice(0, 1), ...applied.remove]) headers.delete(name)
      for (const [name, value] of applied.set) headers.set(name, value)
      return headers
    }
  }
  return keepPairs([...given])
}

/** The headers if the caller gave none. A fetch beneath ours may read them as a `Headers`, or spread them. */
function fresh({ set }: Applied): Headers {
  const headers = new Headers(set.map(copied))
  for (const [name, value] of set) Object.defineProperty(headers, name, { value, enumerable: true })
  return headers
}

function keepPairs(pairs: readonly [string, string][]): KeptHeaders {
  return (applied) => {
    const gone = goneWith(applied)
    const kept = pairs.filter((pair) => typeof pair?.[0] !== 'string' || !gone.has(pair[0].toLowerCase()))
    return [
      ...kept.map((pair): [string, string] => (Array.isArray(pair) ? [...pair] : pair)),
      ...applied.set.map(copied),
    ]
  }
}

function copied([name, value]: readonly [string, string]): [string, string] {
  return [name, value]
}

/** Puts a credential on an object of headers. A header that the caller has written, too, keeps its spelling and its place. */
function withApplied(kept: Readonly<Record<string, string>>, applied: Applied): Record<string, string> {
  const headers: Record<string, string> = {}
  const gone = goneWith(applied)
  const left = new Map(applied.set)
  for (const [name, value] of Object.entries(kept)) {
    const lower = name.toLowerCase()
    const own = left.get(lower)
    left.delete(lower)
    if (own !== undefined) headers[name] = own
    else if (!gone.has(lower)) headers[name] = value
  }
  for (const [name, value] of left) headers[name] = value
  return headers
}

/** The names of the caller's headers that do not go on the request. */
function goneWith({ set, remove }: Applied): ReadonlySet<string> {
  return new Set([...DESTINATION, ...remove, ...set.map(([name]) => name)])
}
