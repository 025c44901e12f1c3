import { adviceOnConnection } from '../lib/print/connection-advice.ts'
import { dialledInstead, refusedByProxy } from '../lib/print/dialled.ts'
import type { ProxyPreset } from './options.ts'
import type { Route } from './route.ts'

/** A response that the proxy makes. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The status, the code and the message of a reply. */
export interface Said {
  readonly status: number
  /** A `RefreshErrorCode`, or another code in the same style. Programs read it. */
  readonly code: string
  readonly message: string
}

/** Each vendor's name for an error with this status: Anthropic's type, OpenAI's type, Google's status. */
const NAMES: Readonly<Record<number, readonly [anthropic: string, openai: string, google: string]>> = {
  400: ['invalid_request_error', 'invalid_request_error', 'INVALID_ARGUMENT'],
  401: ['authentication_error', 'invalid_request_error', 'UNAUTHENTICATED'],
  403: ['permission_error', 'invalid_request_error', 'PERMISSION_DENIED'],
  404: ['not_found_error', 'invalid_request_error', 'NOT_FOUND'],
  405: ['invalid_request_error', 'invalid_request_error', 'INVALID_ARGUMENT'],
  421: ['invalid_request_error', 'invalid_request_error', 'INVALID_ARGUMENT'],
  503: ['overloaded_error', 'server_error', 'UNAVAILABLE'],
}
const FAULT = ['api_error', 'server_error', 'UNAVAILABLE'] as const

/**
 * An error of the proxy, in the shape of the vendor's errors, so that the vendor's client raises its own error.
 *
 * @param id the id of the JSON-RPC request, on an MCP route
 */
export function reply(said: Said, preset: ProxyPreset | undefined, id: string | number | null = null): Reply {
  const { status, code } = said
  const message = `llm-refresh: ${code}: ${said.message}`
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-llm-refresh': code }
  // RFC 9110 section 15.5.2 demands a challenge.
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="llm-refresh"'
  // OpenAI's and Anthropic's clients obey this header.
  if (status < 500) headers['x-should-retry'] = 'false'
  return { status, headers, body: JSON.stringify(shaped(status, code, message, preset, id)) }
}

function shaped(
  status: number,
  code: string,
  message: string,
  preset: ProxyPreset | undefined,
  id: string | number | null,
): object {
  const [anthropic, openai, google] = NAMES[status] ?? FAULT
  switch (preset) {
    case 'anthropic':
      return { type: 'error', error: { type: anthropic, message } }
    case 'openai':
      return {
        error: { message, type: openai, param: null, code: status === 401 ? 'invalid_api_key' : code },
      }
    case 'google':
      return { error: { code: status, message, status: google } }
    case 'azure':
      return { error: { code: status === 401 ? 'Unauthorized' : code, message } }
    case 'mcp':
      return { jsonrpc: '2.0', id, error: { code: -32_001, message } }
    default:
      return { type: 'error', error: { type: anthropic, code, status: google, message } }
  }
}

/** Errors that do not pass with time, so that the client should not try again. */
const LASTING = /^(?:reauthentication_required|credential_missing|source_refused|store_invalid|invalid_\w+)$/

/**
 * The response if there is no credential to send, or if the upstream refused it for good.
 *
 * @param remedy the command or the advice for the person who can mend it
 */
export function loginReply(
  code: string,
  why: string,
  remedy: string | undefined,
  preset: ProxyPreset | undefined,
  id: string | number | null,
): Reply {
  const message = remedy === undefined ? why : `${why} ${remedy}`
  const isLasting = LASTING.test(code)
  const status = isLasting && preset !== 'mcp' ? 401 : 503
  const made = reply({ status, code, message }, preset, id)
  return isLasting ? made : { ...made, headers: { ...made.headers, 'retry-after': '1' } }
}

/** The response if the upstream could not be reached, or its response broke off. Of the error it tells only the system's code. */
export function upstreamReply(
  error: unknown,
  { name, origin, preset }: Pick<Route, 'name' | 'origin' | 'preset'>,
  id: string | number | null,
): Reply {
  const code = codeOf(error)
  const refusal = refusedByProxy(error)
  const isLate = /TIMEOUT|TIMEDOUT/.test(code)
  const why = isLate && !UNCONNECTED.test(code) ? 'did not respond in time' : didOf(code)
  const other = dialledInstead(error, origin)
  const where = other === undefined ? '' : ` at ${other}: is the proxy of this machine up?`
  const told = [code + where, where === '' ? adviceOnConnection(code) : undefined].filter(Boolean).join(': ')
  const message =
    refusal === undefined
      ? `The upstream of the route '${name}', ${origin}, ${why} (${told}). Check routes.${name}.to, or run: llm-refresh check`
      : `The upstream of the route '${name}', ${origin}, was not asked (${refusal}).`
  return reply(
    { status: isLate ? 504 : 502, code: isLate ? 'upstream_timeout' : 'upstream_unreachable', message },
    preset,
    id,
  )
}

/** The codes for a connection that took too long. */
const UNCONNECTED = /^(?:ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/

/** What the upstream did, by the code of the failure. */
function didOf(code: string): string {
  if (/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code))
    return 'closed the connection before it had responded'
  return /^(?:HPE_|ERR_(?:INVALID|HTTP)_|UND_ERR_(?!CONNECT))/.test(code)
    ? 'gave a response that cannot be read'
    : 'could not be reached'
}

/** @returns the code of an error, or of the one beneath it */
export function codeOf(error: unknown): string {
  let at: unknown = error
  for (let depth = 0; depth < 4 && typeof at === 'object' && at !== null; depth++) {
    const code: unknown = Reflect.get(at, 'code')
    if (typeof code === 'string' && /^\w{1,64}$/.test(code)) return code
    at = Reflect.get(at, 'cause')
  }
  return 'unknown error'
}
