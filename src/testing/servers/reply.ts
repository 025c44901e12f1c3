/** A request as it arrived, with its whole body. */
export interface Received {
  readonly method: string
  /** The path without the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

/** A server's response: a whole body, or the events of a stream. */
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body: string | readonly string[]
}

export function json(status: number, body: unknown, headers?: Readonly<Record<string, string>>): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** @param events the bytes of each event, as text */
export function eventStream(events: readonly string[]): Reply {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }
  return { status: 200, headers, body: events }
}
