/** Reads the status and the code of one error, response or body, and tells whether they are its own and were really sent. */

import { isErrorBody } from './error-names.ts'
import { get, header, isArray, isObject, jsonIn } from './foreign.ts'

/** Members whose number may be an HTTP status. */
const STATUS_KEYS =
  /* @__PURE__ */ 'status statusCode status_code httpStatusCode http_code http_status code error_code errorCode'.split(
    ' ',
  )
/** The members that hold a received body. */
export const BODY_KEYS: readonly string[] = ['body', 'data', 'responseBody', 'value']

/** The status of the node itself. */
export function statusOf(node: object): number | undefined {
  for (const key of STATUS_KEYS) {
    const value = get(node, key)
    const status = typeof value === 'string' && /^[1-5]\d\d$/.test(value) ? Number(value) : value
    // No error has a 1xx. Some vendors number their own codes from 100.
    if (typeof status === 'number' && status >= 200 && status < 600) return status
  }
  return undefined
}

/**
 * True if the AI SDK made the status up. It gives a 400 or a 500 to an error that came inside a 200 (in an event stream, or in a body that
 * was already parsed), and derives a status from the words of an error in the middle of a stream. Then the vendor's name for the error
 * decides. Other statuses were sent, or follow from that name.
 */
export function hasMadeUpStatus(node: object): boolean {
  const status = get(node, 'statusCode')
  if (typeof status !== 'number') return false
  const headers = get(node, 'responseHeaders')
  if (headers === undefined && get(node, 'url') === undefined && get(node, 'isRetryable') !== undefined) {
    return isObject(get(node, 'data'))
  }
  if (status !== 400 && status !== 500) return false
  const type = header(headers, 'content-type') ?? header(headers, 'Content-Type')
  return isObject(get(node, 'responseBody')) || type?.startsWith('text/event-stream') === true
}

/** True if the body of a 200 holds an error. */
export function wrapsError(node: object): boolean {
  const bodies = [node, ...BODY_KEYS.map((key) => get(node, key)), get(get(node, 'cause'), 'value')]
  return bodies.some((body) => isErrorBody(jsonIn(body) ?? body))
}

/** True for a code that JSON-RPC reserves (specification, section 5.1). Errors of JSON-RPC clients have such codes too. */
export function isJsonRpcCode(code: unknown): boolean {
  return typeof code === 'number' && code >= -32_768 && code <= -32_000
}

/** True if other members show that a `code` from 0 to 16 is a gRPC status. */
export function isGrpc(node: object): boolean {
  const details = get(node, 'details')
  // In `google.rpc.Status` as JSON, `details` is a list.
  return typeof details === 'string' || isArray(details) || typeof get(node, 'metadata') === 'object'
}
