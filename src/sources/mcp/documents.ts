import { RefreshError } from '../../errors.ts'
import { parseJson } from '../../lib/json.ts'
import type { Asking } from '../shared/refusal-advice.ts'
import { refusalOf } from '../shared/token-endpoint.ts'
import { ask, type Http, type WholeResponse } from '../shared/token-request.ts'
import { placeName } from './hosts.ts'

/** Levels of nesting. No server's metadata are deeper. */
const DEEPEST = 256
/** Characters. No server's metadata are longer. A longer body arrives cut off, so it cannot be read as JSON. */
const LONGEST = 262_144

/** The response to a request for metadata. */
export interface Fetched {
  readonly whole: WholeResponse
  /** undefined: the document is not there (4xx, or a page for people). Another place may have it. */
  readonly fields: Readonly<Record<string, unknown>> | undefined
}

/**
 * Requests a metadata document. The request carries no credential, and follows no redirect.
 *
 * @param what the document's name in messages
 * @throws RefreshError if the server is out of reach, asks to wait, fails, or redirects
 */
export async function fetchDocument(
  http: Http,
  url: URL,
  what: string,
  signal: AbortSignal,
): Promise<Fetched> {
  const headers = { accept: 'application/json' }
  const whole = await ask(http, { host: url.host, signal }, (fetch, sending) =>
    fetch(url.href, { method: 'GET', headers, redirect: 'manual', signal: sending }),
  )
  const { status, ok } = whole.response
  const fields = ok ? objectIn(whole.text) : undefined
  if (ok && fields === undefined && whole.text.length > LONGEST) {
    throw new RefreshError(
      'source_invalid',
      `${placeName(url)} is too long to be ${what}: is it the right URL?`,
    )
  }
  const isAbsent = status >= 400 && status < 500 && ![408, 425, 429].includes(status)
  if (fields !== undefined || ok || isAbsent) return { whole, fields }
  const asking: Asking = {
    person: false,
    spends: false,
    carriesClaims: false,
    isSigned: false,
    endpoint: what,
  }
  const refusal = refusalOf(whole, asking, http.clock.now())
  if (refusal !== undefined) throw refusal
  return { whole, fields }
}

/** Sends a request without a credential, and returns the `WWW-Authenticate` header of its rejection. */
export async function probe(http: Http, url: URL, signal: AbortSignal): Promise<string | undefined> {
  const headers = { accept: 'application/json, text/event-stream' }
  const { response } = await ask(http, { host: url.host, signal }, async (fetch, sending) => {
    const answered = await fetch(url.href, { method: 'GET', headers, redirect: 'manual', signal: sending })
    // A server that asks for no credential may begin a stream that never ends.
    answered.body?.cancel().catch(() => undefined)
    const challenge = answered.headers.get('www-authenticate')
    return new Response(null, {
      status: 200,
      ...(challenge !== null && answered.status === 401 && { headers: { 'www-authenticate': challenge } }),
    })
  })
  return response.headers.get('www-authenticate') ?? undefined
}

/** Statuses of an authorization endpoint that does not know the client. Such an endpoint does not redirect. A firewall uses other statuses. */
const REFUSALS = [400, 401, 422]

/**
 * Whether an authorization endpoint refuses a request at once. A person's browser would then show an error page. The result is false if the
 * server is out of reach.
 */
export async function isRefused(http: Http, url: URL, signal: AbortSignal): Promise<boolean> {
  try {
    const headers = { accept: 'text/html,application/json' }
    const { response } = await ask(http, { host: url.host, signal }, async (fetch, sending) => {
      const { status, body } = await fetch(url.href, { headers, redirect: 'manual', signal: sending })
      body?.cancel().catch(() => undefined)
      return new Response(null, { status: REFUSALS.includes(status) ? status : 200 })
    })
    return !response.ok
  } catch (error) {
    if (signal.aborted) throw error
    return false
  }
}

function objectIn(text: string): Record<string, unknown> | undefined {
  const value = parseJson(text.replace(/^\uFEFF/, ''), DEEPEST)?.value
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? { ...value } : undefined
}
