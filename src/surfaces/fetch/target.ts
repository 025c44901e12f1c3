import { parsedUrl } from '../../lib/secure-url.ts'
/** The destination of a request. We read it once, so that the URL that we check is the URL that we fetch. */
export interface Target {
  readonly origin: string
  /** The whole URL. */
  readonly href: string
  /** Method and path, without the query. */
  readonly endpoint: string
  readonly method: string
  /** The caller's `Request`, if the caller gave one. */
  readonly request: Request | undefined
}

/** The target of an invalid input. No credential goes to it, and the platform reports what is wrong. */
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
 * True for a `Request` of the platform, or of the fetch in the options. Any other object with a `url` is no `Request`: the platform would
 * turn it into a text, and fetch that.
 *
 * @param isForeign true if the options had a fetch other than the platform's
 */
export function isRequest(input: RequestInfo | URL, isForeign: boolean): input is Request {
  if (typeof input !== 'object' || input === null || !('url' in input)) return false
  return isPlatforms(input) || (isForeign && parsedUrl(textOf(input)) === undefined)
}

/** The text that the platform makes of the input. */
function textOf(input: unknown): string {
  return String(input)
}

/** The URL that the platform will fetch. It ignores a `url` that an object or a subclass defines itself. */
function urlOf(request: Request): string {
  const url = platformUrl()
  return url !== undefined && isPlatforms(request) ? String(url.call(request)) : request.url
}

/**
 * The `url` getter of the class. undefined if each `Request` has `url` as its own member (React Native). We look it up at the first
 * request, because the first use of `Request` makes Node load its fetch, which takes longer than loading this whole library.
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
