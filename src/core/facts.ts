import { RefreshError } from './errors.ts'

/** What could be read of an error, an outcome, a response or a body, however deep it was hidden. */
export interface ErrorFacts {
  /** HTTP status; the outermost that is known. */
  readonly status: number | undefined
  /** gRPC status; 16 is UNAUTHENTICATED. */
  readonly grpcStatus: number | undefined
  /** Every readable word, one text a line: messages, codes, types, reasons; a bounded prefix of each. */
  readonly text: string
  /** The `WWW-Authenticate` header (RFC 9110 section 11.6.1). */
  readonly challenge: string | undefined
}

/** Bounds on what is read, whatever is given. */
const MOST_NODES = 64
const MOST_ITEMS = 16
const MOST_TEXTS = 64
const MOST_TEXT = 16_384
const MOST_JSON = 65_536

/** Under these a number is a status. */
const STATUS_KEYS = 'status statusCode status_code httpStatusCode code error_code'.split(' ')
/** Under these and the ones above a string is telling, and an object worth looking into. */
const OTHER_KEYS =
  'type name reason __type Code message error error_description responseBody data body response details errors $metadata lastError cause'.split(
    ' ',
  )

/** Reads facts, outermost first. Never throws, and reads no more than a bounded prefix. */
export function readFacts(input: unknown): ErrorFacts {
  let status: number | undefined
  let grpcStatus: number | undefined
  let challenge: string | undefined
  const texts: string[] = []
  /** What has been found and not been read yet; sets keep their order, and what was added is added once. */
  const nodes = new Set<object>()

  const find = (value: unknown): void => {
    // What this library says itself is not the remote side's word.
    if (value instanceof RefreshError) return
    if (typeof value === 'object' && value !== null && nodes.size < MOST_NODES) nodes.add(value)
    if (typeof value !== 'string' || texts.length >= MOST_TEXTS) return
    texts.push(value.slice(0, MOST_TEXT))
    // Bodies, and some clients' messages, are JSON.
    if (value.length > MOST_JSON || !/^\s*[[{]/.test(value)) return
    try {
      find(JSON.parse(value))
    } catch {
      // then it is a text
    }
  }

  find(input)
  for (const node of nodes) {
    // An array's items; nothing else has any.
    for (let item = 0; item < MOST_ITEMS; item++) find(get(node, item))
    for (const key of STATUS_KEYS) {
      const found = get(node, key)
      const value = typeof found === 'string' && /^[1-5]\d\d$/.test(found) ? Number(found) : found
      if (typeof value !== 'number') find(value)
      else if (value >= 100 && value < 600) status ??= value
      else if (key === 'code' && value >= 0 && value <= 16 && isGrpc(node)) grpcStatus ??= value
    }
    for (const key of OTHER_KEYS) find(get(node, key))
    const headers = get(node, 'headers') ?? get(node, 'responseHeaders')
    find(header(headers, 'x-amzn-errortype'))
    challenge ??=
      header(headers, 'www-authenticate') ??
      header(headers, 'WWW-Authenticate') ??
      prefix(get(node, 'challenge'))
  }
  return { status, grpcStatus, text: texts.join('\n'), challenge }
}

/** gRPC's `code` counts from 0 to 16; these show that it is gRPC's. */
function isGrpc(node: object): boolean {
  return typeof get(node, 'details') === 'string' || typeof get(node, 'metadata') === 'object'
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
function header(headers: unknown, name: string): string | undefined {
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
