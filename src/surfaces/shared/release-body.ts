/** The methods that discard a stream: Node's, the web's, and any other iterator's. */
const WAYS = ['destroy', 'cancel', 'return']

/**
 * Discards a body that no one will read, with everything that it holds open. A value that is no stream is left alone.
 *
 * @param reason given to a web stream. For a stream of Node's an error would be an event, and would end the process without a listener.
 * @param hearsErrors the stream has an error listener
 */
export function releaseBody(body: unknown, reason?: unknown, hearsErrors?: boolean): void {
  if (isIncomingRequest(body)) return
  for (const way of WAYS) {
    const method: unknown = Reflect.get(Object(body), way)
    if (typeof method !== 'function') continue
    const given = way === 'cancel' || hearsErrors ? [reason] : []
    // No caller is left to receive an error.
    new Promise((resolve) => resolve(Reflect.apply(method, body, given))).catch(() => undefined)
    return
  }
}

/**
 * True for a request of Node's server. Its response uses the same socket, which would be destroyed with it; the response's end releases
 * both.
 */
function isIncomingRequest(body: unknown): boolean {
  const property = (name: string): unknown => Reflect.get(Object(body), name)
  return property('statusCode') === null && typeof property('method') === 'string'
}
