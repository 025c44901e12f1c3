import { RefreshError } from '../../errors.ts'
import {
  isClientSide,
  isConnectionCode,
  isErrorBody,
  isName,
  isRejectedByNumber,
  statusOfName,
} from './error-names.ts'
import { get, header, isArray, isObject, isWholeJson, jsonIn, MOST_TEXT, prefix } from './foreign.ts'
import { BODY_KEYS, hasMadeUpStatus, isGrpc, isJsonRpcCode, statusOf, wrapsError } from './node-status.ts'

/** The readable facts of an error, an outcome, a response or a body, at any depth. */
export interface ErrorFacts {
  /** The outermost HTTP status that is known. */
  readonly status: number | undefined
  /**
   * The status that the error states beneath `status`. A gateway may wrap another server's error in a status of its own, and a vendor may
   * put an error into a 200. It comes from a number in the error, or from the vendor's name or number for the error.
   */
  readonly statedStatus?: number | undefined
  /** gRPC status; 16 is UNAUTHENTICATED. */
  readonly grpcStatus: number | undefined
  /** Every readable text, one per line: messages, codes, types, reasons; a bounded prefix of each. */
  readonly text: string
  /**
   * The vendor's names for the error, unchanged: codes, types, reasons; the outermost first. `unauthenticated` if a vendor's number means
   * that.
   */
  readonly names: readonly string[]
  /** The `WWW-Authenticate` header (RFC 9110 section 11.6.1). */
  readonly challenge: string | undefined
}

/** The facts, and further ones that only a verdict needs. */
export interface Evidence extends ErrorFacts {
  /** The status of the error itself: not of a 200 around the error, and no status that the AI SDK made up. */
  readonly errorStatus: number | undefined
  /** The HTTP status that the vendor's name for the error stands for. */
  readonly namedStatus: number | undefined
  /** True for a failed connection, a JSON-RPC error and a client's own error: then no sentence of the error is judged. */
  readonly isWordless: boolean
  readonly sentences: readonly string[]
  /** True if this library made the response. */
  readonly isSynthetic: boolean
}

/** Bounds on reading any input. */
const MOST_NODES = 64
const MOST_ITEMS = 16
const MOST_TEXTS = 64

/** Members whose text, if it has no space, is a name for the error. The first name with a known status counts. */
const NAME_KEYS = /* @__PURE__ */ listed(
  'code error_code errorCode errorcode reason status __type Code type error_type kind error name lc_error_code',
)
/** All members that are read: the names above, then the ones that hold texts or inner errors. */
const KEYS = /* @__PURE__ */ listed(
  'statusCode status_code httpStatusCode message Message msg error_description error_msg errorMessage responseBody data body response httpResponse detail details errors errorDetails innererror extensions fault faultstring Error Response ResponseMetadata exp $metadata lastError cause',
  NAME_KEYS,
)
/** Marks of a place. QUOTED: the status and names there belong to another error. REASON: the node there explains an error of known status. */
const QUOTED = 1
const REASON = 2

/** The codes of an error in XML. */
const CODES = /<(?:\w+:)?(?:error)?code>\s*([\w.]{1,100})\s*</gi

function listed(names: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...names.split(' ')]
}

/** The error that each outcome or delta was made from, which holds more facts than the outcome or delta. */
const origins = new WeakMap<object, unknown>()

/** Records the error that an outcome or a delta was made from, for its verdict. */
export function madeOf<T extends object>(outcome: T, error: unknown): T {
  origins.set(outcome, error)
  return outcome
}

/**
 * Reads facts, outermost first. It never throws, and reads only a bounded prefix.
 *
 * @param readsSuccesses true to read the bodies of successes too, which hold the model's text
 */
export function readFacts(input: unknown, readsSuccesses = false): Evidence {
  let status: number | undefined
  let errorStatus: number | undefined
  let innerStatus: number | undefined
  /** True if an inner part repeats the error's own status: then the error wraps no other server's error. */
  let isRestated = false
  let grpcStatus: number | undefined
  let challenge: string | undefined
  let isWordless = false
  let isSynthetic = false
  const texts: string[] = []
  const sentences: string[] = []
  /** Texts that may be names. They are read only on demand, because most verdicts need no name. */
  const named: { readonly text: string; readonly place: number }[] = []
  /** The nodes in reading order, each with its place. A map holds each node once, and a loop over it also visits nodes that the loop adds. */
  const nodes = new Map<object, number>()

  const find = (value: unknown, place: number, mayBeName = false): void => {
    // The remote side did not send an error of this library.
    if (value instanceof RefreshError) return
    if (isObject(value)) {
      if (origins.has(value)) find(origins.get(value), place)
      else if (nodes.size < MOST_NODES && !nodes.has(value)) nodes.set(value, place)
    }
    if (typeof value !== 'string' || texts.length >= MOST_TEXTS) return
    const text = value.slice(0, MOST_TEXT)
    texts.push(text.replaceAll(/[\r\n]+/g, ' '))
    if (mayBeName) named.push({ text, place })
    for (const [, name = ''] of text.startsWith('<') ? text.matchAll(CODES) : [])
      named.push({ text: name, place })
    const json = jsonIn(value)
    // A sentence that ends with JSON may quote the error that caused it.
    const isTold = errorStatus !== undefined && !isWholeJson(value)
    if (json !== undefined) find(json, isTold ? place | REASON : place)
    if ((place & QUOTED) === 0) sentences.push(text)
  }

  find(input, 0)
  for (const [node, outerPlace] of nodes) {
    if (isArray(node)) {
      for (let item = 0; item < MOST_ITEMS; item++) find(get(node, item), outerPlace)
      continue
    }
    const code = get(node, 'code')
    const isJsonRpc = typeof get(node, 'jsonrpc') === 'string' || isJsonRpcCode(code)
    if (isClientSide(get(node, 'name')) && statusOf(node) === undefined) {
      // The text of a client's own error is the model's. Its value, which did not fit the schema, may still be a vendor's error.
      const value = get(node, 'value')
      if (isErrorBody(value)) find(value, outerPlace)
      else isWordless = true
      continue
    }
    isWordless ||= isJsonRpc || isConnectionCode(code) || isConnectionCode(get(node, 'name'))
    isWordless ||= get(node, 'kind') === 'connection'
    const place = isJsonRpc ? outerPlace | QUOTED : outerPlace
    const isQuoted = (place & QUOTED) !== 0
    // A JSON-RPC error with an id comes from a method, such as a tool. Without an id, the server refused the request itself.
    if (
      isJsonRpc &&
      (get(node, 'id') ?? undefined) === undefined &&
      get(get(node, 'error'), 'code') === 401
    ) {
      errorStatus ??= 401
    }

    const own = isQuoted || hasMadeUpStatus(node) ? undefined : statusOf(node)
    if (errorStatus !== undefined && own !== undefined && (place & REASON) === 0) {
      if (own === errorStatus) isRestated ||= node !== input
      else innerStatus ??= own
    }
    status ??= own
    // A 200 around an error is not the error's status. A 200 around anything else says that there is no error.
    const isGood = own !== undefined && own >= 200 && own < 300
    if (!isGood || !wrapsError(node)) errorStatus ??= own
    if (!isQuoted && typeof code === 'number' && code >= 0 && code <= 16 && isGrpc(node)) grpcStatus ??= code

    if (isRejectedByNumber(node)) named.push({ text: 'unauthenticated', place })
    // After several tries, only the last error counts.
    const skipped = isObject(get(node, 'lastError')) ? 'errors' : undefined
    for (const key of KEYS) {
      if (key === skipped) continue
      const value = get(node, key)
      const isSaid = isGood && !readsSuccesses && BODY_KEYS.includes(key)
      if (isSaid && !isErrorBody(jsonIn(value) ?? value)) continue
      const isReason = key === 'cause' && errorStatus !== undefined
      find(value, isReason ? place | REASON : place, NAME_KEYS.includes(key))
    }
    const headers = get(node, 'headers') ?? get(node, 'responseHeaders')
    find(header(headers, 'x-amzn-errortype'), place, true)
    isSynthetic ||= header(headers, 'x-llm-refresh') !== undefined
    challenge ??=
      header(headers, 'www-authenticate') ??
      header(headers, 'WWW-Authenticate') ??
      prefix(get(node, 'challenge'))
  }
  const statusNamed = (unwanted: number): number | undefined => {
    for (const { text, place } of named) {
      const known = (place & unwanted) !== 0 || !isName(text) ? undefined : statusOfName(text)
      if (known !== undefined) return known
    }
    return undefined
  }
  return {
    status,
    get statedStatus() {
      if (innerStatus !== undefined || isRestated) return innerStatus ?? errorStatus
      const own = grpcStatus === 16 ? 401 : statusNamed(QUOTED | REASON)
      return own ?? (errorStatus === status ? undefined : errorStatus)
    },
    grpcStatus,
    text: texts.join('\n'),
    get names() {
      return named.map(({ text }) => text).filter(isName)
    },
    challenge,
    errorStatus,
    get namedStatus() {
      return statusNamed(QUOTED)
    },
    isWordless,
    sentences,
    isSynthetic,
  }
}
