/** A response with an error, as a vendor's service or a gateway sends it. */
export interface HttpShape {
  readonly vendor: string
  readonly status: number
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
  /** Where this shape is known from. */
  readonly source: string
}

/** Something that a client or a runtime throws, or hands over as a value. */
export interface ThrownShape {
  readonly vendor: string
  readonly error: unknown
  readonly source: string
}

/** The first event of a stream that has begun with a 200. */
export interface EventShape {
  readonly vendor: string
  /** Empty where the event has no name. */
  readonly name: string
  readonly data: unknown
  readonly source: string
}

/** What is known of a message when nothing but its words is. */
export interface Sentence {
  readonly text: string
  readonly source: string
}

export type HttpRow = readonly [
  vendor: string,
  status: number,
  body: unknown,
  source: string,
  headers?: Readonly<Record<string, string>>,
]

export function https(rows: readonly HttpRow[]): HttpShape[] {
  return rows.map(([vendor, status, body, source, headers = {}]) => ({
    vendor,
    status,
    body,
    headers,
    source,
  }))
}

export function thrown(rows: readonly (readonly [string, unknown, string])[]): ThrownShape[] {
  return rows.map(([vendor, error, source]) => ({ vendor, error, source }))
}

export function events(rows: readonly (readonly [string, string, unknown, string])[]): EventShape[] {
  return rows.map(([vendor, name, data, source]) => ({ vendor, name, data, source }))
}

export function sentences(said: Readonly<Record<string, readonly string[]>>): Sentence[] {
  return Object.entries(said).flatMap(([source, texts]) => texts.map((text) => ({ text, source })))
}

/** An error with fields, as clients make them. */
export function failed(message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), fields)
}

export function openai(message: string, type: string | null, code: string | number | null = null): object {
  return { error: { message, type, param: null, code } }
}

export function anthropic(type: string, message: string): object {
  return { type: 'error', error: { type, message }, request_id: 'req_1' }
}

export function google(code: number, status: string, message: string, reason?: string): object {
  const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' }
  return { error: { code, message, status, ...(reason !== undefined && { details: [info] }) } }
}

export function azure(code: string, message: string, more: object = {}): object {
  return { error: { code, message, ...more } }
}

export function aws(type: string, message: string): object {
  return { __type: `com.amazon.coral.service#${type}`, message }
}

export function jsonRpc(id: number | string | null, code: number, message: string, data?: unknown): object {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } }
}

export function toolResult(text: string): object {
  return { jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }], isError: true } }
}
