import { RefreshError } from '../../errors.ts'
import { isClientSide, isConnectionCode, isErrorBody, isName, statusOfName } from './vendor-names.ts'
import { speaksOfOthers } from './words.ts'

/** What could be read of an error, an outcome, a response or a body, however deep it was hidden. */
export interface ErrorFacts {
  /** HTTP status; the outermost that is known. */
  readonly status: number | undefined
  /**
   * What the error says of itself beneath that status, as a gateway does that gives another's error a status of its own: another number, or
   * the status that the vendor's name for the error stands for.
   */
  readonly statedStatus?: number | undefined
  /** gRPC status; 16 is UNAUTHENTICATED. */
  readonly grpcStatus: number | undefined
  /** Every readable word, one text a line: messages, codes, types, reasons; a bounded prefix of each. */
  readonly text: string
  /** What the vendor calls the error, as it is written: codes, types, reasons; the outermost first. */
  readonly names: readonly string[]
  /** The `WWW-Authenticate` header (RFC 9110 section 11.6.1). */
  readonly challenge: string | undefined
}

/** Facts, and what only a verdict needs of them. */
export interface Evidence extends ErrorFacts {
  /** The status of the error itself: not that of a 200 around it, and none that the AI SDK made up. */
  readonly errorStatus: number | undefined
  /** The HTTP status that the vendor's name for the error stands for. */
  readonly namedStatus: number | undefined
  /** The connection failed, or JSON-RPC or a client's own error speaks: words decide nothing. */
  readonly isWordless: boolean
  readonly sentences: readonly string[]
  /** This library made up the response. */
  readonly isSynthetic: boolean
}

/** Bounds on what is read, whatever is given. */
const MOST_NODES = 64
const MOST_ITEMS = 16
const MOST_TEXTS = 64
const MOST_TEXT = 16_384
const MOST_JSON = 65_536

/** Under these a number is a status. */
const STATUS_KEYS = /* @__PURE__ */ listed(
  'status statusCode status_code httpStatusCode code error_code errorCode',
)
/** Under these and the ones above a text without a space is a name; the first that is known counts. */
const NAME_KEYS = /* @__PURE__ */ listed(
  'code error_code errorCode errorcode reason status __type Code type error_type kind error name lc_error_code',
)
/** Under these and the ones above a string is telling, and an object worth looking into. */
const KEYS = /* @__PURE__ */ listed(
  'statusCode status_code httpStatusCode message Message msg error_description error_msg errorMessage responseBody data body response httpResponse detail details errors errorDetails innererror extensions fault faultstring Error exp $metadata lastError cause',
  NAME_KEYS,
)
/** Under these stands what was received. */
const BODY_KEYS = ['body', 'data', 'responseBody', 'value']

/** Where something was found: it is quoted, so that its status and names are not this error's; or it is why this error, whose status is known, came. */
const QUOTED = 1
const REASON = 2

function listed(names: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...names.split(' ')]
}

/** The errors that outcomes and deltas were made of: those say more than what is left of them. */
const origins = new WeakMap<object, unknown>()

/** Says what an outcome or a delta was made of, for its verdict. */
export function madeOf<T extends object>(outcome: T, error: unknown): T {
  origins.set(outcome, error)
  return outcome
}

/**
 * Reads facts, outermost first. Never throws, and reads no more than a bounded prefix.
 *
 * @param readsSuccesses also the bodies of successes, which hold what a model has said
 */
export function readFacts(input: unknown, readsSuccesses = false): Evidence {
  let status: number | undefined
  let errorStatus: number | undefined
  let innerStatus: number | undefined
  let grpcStatus: number | undefined
  let challenge: string | undefined
  let isWordless = false
  let isSynthetic = false
  const texts: string[] = []
  const sentences: string[] = []
  /** Texts where a name may stand. Most verdicts need none. */
  const named: { readonly text: string; readonly place: number }[] = []
  /** What has been found and not been read yet, and where. Maps keep their order, and what was added is added once. */
  const nodes = new Map<object, number>()

  const find = (value: unknown, place: number, mayBeName = false): void => {
    // What this library says itself is not the remote side's word.
    if (value instanceof RefreshError) return
    if (isObject(value)) {
      if (origins.has(value)) find(origins.get(value), place)
      else if (nodes.size < MOST_NODES && !nodes.has(value)) nodes.set(value, place)
    }
    if (typeof value !== 'string' || texts.length >= MOST_TEXTS) return
    const text = value.slice(0, MOST_TEXT)
    texts.push(text)
    if (mayBeName) named.push({ text, place })
    const json = jsonIn(value)
    // A sentence that ends with JSON may tell of what it came from.
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
      // Its words are the model's. What did not fit the schema may still be a vendor's error, in a shape that nobody expected.
      const value = get(node, 'value')
      if (isErrorBody(value)) find(value, outerPlace)
      else isWordless = true
      continue
    }
    isWordless ||= isJsonRpc || isConnectionCode(code) || isConnectionCode(get(node, 'name'))
    isWordless ||= get(node, 'kind') === 'connection'
    const place = isJsonRpc ? outerPlace | QUOTED : outerPlace
    const isQuoted = (place & QUOTED) !== 0
    // An error with an id is a method's, such as a tool's. Without one the request itself was refused.
    if (
      isJsonRpc &&
      (get(node, 'id') ?? undefined) === undefined &&
      get(get(node, 'error'), 'code') === 401
    ) {
      errorStatus ??= 401
    }

    const own = isQuoted || hasMadeUpStatus(node) ? undefined : statusOf(node)
    if (own !== errorStatus && errorStatus !== undefined && (place & REASON) === 0) innerStatus ??= own
    status ??= own
    // A 200 around an error is no status of the error; around anything else it says that there is none.
    const isGood = own !== undefined && own >= 200 && own < 300
    if (!isGood || !wrapsError(node)) errorStatus ??= own
    if (!isQuoted && typeof code === 'number' && code >= 0 && code <= 16 && isGrpc(node)) grpcStatus ??= code

    // Of several tries the last one counts.
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
      return innerStatus ?? statusNamed(QUOTED | REASON)
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

/** The status that a node has itself. */
function statusOf(node: object): number | undefined {
  for (const key of STATUS_KEYS) {
    const value = get(node, key)
    const status = typeof value === 'string' && /^[1-5]\d\d$/.test(value) ? Number(value) : value
    // No error is a 1xx; vendors count their own codes from 100.
    if (typeof status === 'number' && status >= 200 && status < 600) return status
  }
  return undefined
}

/**
 * The AI SDK gives an error that came inside a 200 (an event stream, or a body that was already parsed) a 400 or a 500, and one in the
 * middle of a stream whatever fits its words. The vendor's name for the error knows better. Other statuses are real, or follow from it.
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

/** Is there an error in what a 200 brought? */
function wrapsError(node: object): boolean {
  const bodies = [node, ...BODY_KEYS.map((key) => get(node, key)), get(get(node, 'cause'), 'value')]
  return bodies.some((body) => isErrorBody(jsonIn(body) ?? body))
}

/** JSON-RPC reserves these (specification, section 5.1); clients' errors have them, too. */
function isJsonRpcCode(code: unknown): boolean {
  return typeof code === 'number' && code >= -32_768 && code <= -32_000
}

/** gRPC's `code` counts from 0 to 16; these show that it is gRPC's. */
function isGrpc(node: object): boolean {
  return typeof get(node, 'details') === 'string' || typeof get(node, 'metadata') === 'object'
}

/** Bodies are JSON, and some clients' messages end with one. */
function jsonIn(text: unknown): unknown {
  if (typeof text !== 'string' || text.length > MOST_JSON) return undefined
  const isWhole = isWholeJson(text)
  const [head] = (isWhole ? undefined : /^[^{]{1,100}(?=\{)/.exec(text)) ?? []
  if (!isWhole && (head === undefined || speaksOfOthers(head))) return undefined
  try {
    return JSON.parse(head === undefined ? text : text.slice(head.length, text.lastIndexOf('}') + 1))
  } catch {
    return undefined
  }
}

function isWholeJson(text: string): boolean {
  return /^\s*[[{"]/.test(text)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** A revoked proxy throws. */
function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/** A property, whatever the object does about it. */
function get(node: unknown, key: PropertyKey): unknown {
  try {
    return Reflect.get(Object(node), key)
  } catch {
    return undefined
  }
}

/** A header's value, of a Headers object, a Map or a plain object. */
export function header(headers: unknown, name: string): string | undefined {
  let value = get(headers, name)
  const getter = get(headers, 'get')
  try {
    // Collections can be iterated; other things with a `get` are not ours to call.
    if (typeof getter === 'function' && Symbol.iterator in Object(headers)) {
      value = Reflect.apply(getter, headers, [name])
    }
  } catch {
    // then it has no such header
  }
  return prefix(value)
}

function prefix(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MOST_TEXT) : undefined
}
