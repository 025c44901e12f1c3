import { parsedUrl } from '../../lib/secure-url.ts'
/** The destination of a request. It is read once, so that the checked one is the fetched one. */
export interface Target {
  readonly origin: string
  /** The URL, whole. */
  readonly href: string
  /** Method and path, without the query. */
  readonly endpoint: string
  readonly method: string
  /** The caller's, if it gave one. */
  readonly request: Request | undefined
}

/** The target without an origin: it is none of ours, and the platform reports what is wrong. */
const NOWHERE: Target = { origin: '', href: '', endpoint: '', method: '', request: undefined }

export function readTarget(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  isForeign: boolean,
): Target {
  try {
    const request = isRequest(input, isForeign) ? input : undefined
    const { origin, href, pathname } = new URL(
      request === undefined ? textOf(input) : urlOf(request),
      globalThis.document?.baseURI ?? globalThis.location?.href,
    )
    const method = (init?.method ?? request?.method ?? 'GET').toUpperCase()
    return { origin, href, endpoint: `${method} ${pathname}`, method, request }
  } catch {
    return NOWHERE
  }
}

/**
 * A Request of the platform's, or of the fetch that was given. Anything else with a `url` is none: the platform would make a text of it, and
 * fetch that.
 *
 * @param isForeign another fetch than the platform's was given
 */
export function isRequest(input: RequestInfo | URL, isForeign: boolean): input is Request {
  if (typeof input !== 'object' || input === null || !('url' in input)) return false
  return isPlatforms(input) || (isForeign && parsedUrl(textOf(input)) === undefined)
}

/** The text that the platform makes of the input. */
function textOf(input: unknown): string {
  return String(input)
}

/** The URL that the platform will fetch, even if the object or a subclass has a `url` of its own. */
function urlOf(request: Request): string {
  const url = platformUrl()
  return url !== undefined && isPlatforms(request) ? String(url.call(request)) : request.url
}

/**
 * The `url` getter of the class, not of an object. undefined if a Request has its URL as an own member (React Native). We look it up when a
 * request comes: the first use of `Request` makes Node load its fetch, which takes longer than loading all of this library.
 */
function platformUrl(): ((this: object) => unknown) | undefined {
  const prototype = typeof Request === 'function' ? Request.prototype : {}
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'url')
  return descriptor && Reflect.get(descriptor, 'get')
}

function isPlatforms(input: object): boolean {
  try {
    const url = platformUrl()
    if (url === undefined) return typeof Request === 'function' && input instanceof Request
    return typeof url.call(input) === 'string'
  } catch {
    return false
  }
}
