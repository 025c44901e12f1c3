/** What could be read of an error, an outcome, a response or a body, however deep it was hidden. */
export interface ErrorFacts {
  /** HTTP status; the outermost that is known. */
  readonly status: number | undefined
  /** gRPC status; 16 is UNAUTHENTICATED. */
  readonly grpcStatus: number | undefined
  /** Machine-readable words: codes, types, reasons, class names. As the vendor spells them. */
  readonly codes: readonly string[]
  /** Everything readable, one text a line; a bounded prefix of each. */
  readonly text: string
  /** The `WWW-Authenticate` header (RFC 9110 section 11.6.1). */
  readonly challenge: string | undefined
}

/** Bounds on what is read, whatever is given. */
const MOST_NODES = 64
const MOST_ITEMS = 16
const MOST_TEXTS = 32
const MOST_TEXT = 16_384
const MOST_JSON = 65_536

const STATUS_KEYS = ['status', 'statusCode', 'status_code', 'httpStatusCode', 'code', 'error_code'] as const
const CODE_KEYS = [
  'code',
  'type',
  'name',
  'reason',
  'status',
  'error',
  'error_code',
  '__type',
  'Code',
] as const
const TEXT_KEYS = [
  'message',
  'error',
  'error_description',
  'responseBody',
  'body',
  'data',
  'details',
] as const
const CHILD_KEYS = [
  'error',
  'data',
  'body',
  'response',
  'details',
  'errors',
  '$metadata',
  'lastError',
  'cause',
] as const

/** Reads facts, outermost first. Never throws, and reads no more than a bounded prefix. */
export function readFacts(input: unknown): ErrorFacts {
  const reader = new Reader()
  reader.enqueue(input)
  reader.readAll()
  return reader.facts()
}

class Reader {
  #status: number | undefined
  #grpcStatus: number | undefined
  #challenge: string | undefined
  readonly #codes: string[] = []
  readonly #texts: string[] = []
  readonly #queue: object[] = []
  readonly #seen = new Set<object>()

  facts(): ErrorFacts {
    return {
      status: this.#status,
      grpcStatus: this.#grpcStatus,
      codes: this.#codes,
      text: this.#texts.join('\n'),
      challenge: this.#challenge,
    }
  }

  enqueue(value: unknown): void {
    if (typeof value === 'string') this.#readText(value)
    if (typeof value !== 'object' || value === null || this.#seen.has(value)) return
    if (this.#seen.size >= MOST_NODES) return
    this.#seen.add(value)
    this.#queue.push(value)
  }

  readAll(): void {
    for (let node = this.#queue.shift(); node !== undefined; node = this.#queue.shift()) {
      if (isArray(node)) {
        for (let i = 0; i < MOST_ITEMS; i++) this.enqueue(get(node, String(i)))
      } else {
        this.#readObject(node)
      }
    }
  }

  #readObject(node: object): void {
    for (const key of STATUS_KEYS) {
      const value = get(node, key)
      if (!Number.isInteger(value) || typeof value !== 'number') continue
      if (value >= 100 && value <= 599) this.#status ??= value
      else if (key === 'code' && value <= 16 && isGrpc(node)) this.#grpcStatus ??= value
    }
    for (const key of CODE_KEYS) {
      const value = get(node, key)
      if (typeof value === 'string' && value.length <= 128) this.#codes.push(value)
    }
    for (const key of TEXT_KEYS) {
      const value = get(node, key)
      if (typeof value === 'string') this.#readText(value)
    }
    for (const headers of [get(node, 'headers'), get(node, 'responseHeaders')]) {
      this.#challenge ??= header(headers, 'www-authenticate') ?? header(headers, 'WWW-Authenticate')
      const amazon = header(headers, 'x-amzn-errortype')
      if (amazon !== undefined) this.#codes.push(amazon.slice(0, 128))
    }
    const challenge = get(node, 'challenge')
    if (typeof challenge === 'string') this.#challenge ??= challenge
    for (const key of CHILD_KEYS) {
      const value = get(node, key)
      if (typeof value !== 'string') this.enqueue(value)
    }
  }

  #readText(text: string): void {
    if (this.#texts.length >= MOST_TEXTS) return
    this.#texts.push(text.slice(0, MOST_TEXT))
    // Bodies, and some clients' messages, are JSON.
    if (text.length > MOST_JSON || !/^\s*[[{]/.test(text)) return
    try {
      this.enqueue(JSON.parse(text))
    } catch {
      // then it is a text
    }
  }
}

function isGrpc(node: object): boolean {
  return typeof get(node, 'details') === 'string' || typeof get(node, 'metadata') === 'object'
}

/** A property, whatever the object does about it. */
function get(node: unknown, key: string): unknown {
  try {
    return typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined
  } catch {
    return undefined
  }
}

function isArray(node: object): boolean {
  try {
    return Array.isArray(node)
  } catch {
    return false // a revoked proxy
  }
}

/** A header's value, of a Headers object, a Map or a plain object. */
function header(headers: unknown, name: string): string | undefined {
  const getter = get(headers, 'get')
  const read = (key: string): unknown => {
    try {
      return typeof getter === 'function' ? Reflect.apply(getter, headers, [key]) : get(headers, key)
    } catch {
      return undefined
    }
  }
  const value = read(name) ?? read(name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()))
  return typeof value === 'string' ? value : undefined
}
