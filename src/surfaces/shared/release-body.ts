/** The methods that discard a body: of a Node stream, a web stream, and an iterator. */
const WAYS = ['destroy', 'cancel', 'return']

/**
 * Discards a body that no one will read, and releases its resources. Does nothing for a value that is no stream.
 *
 * @param reason given to a web stream. A Node stream would emit it as an error, which without a listener ends the process
 * @param hearsErrors true if the Node stream has a listener for errors, so that it may get the reason, too
 */
export function releaseBody(body: unknown, reason?: unknown, hearsErrors?: boolean): void {
  if (isIncomingRequest(body)) return
  for (const way of WAYS) {
    const method: unknown = Reflect.get(Object(body), way)
    if (typeof method !== 'function') continue
    const given = way === 'cancel' || hearsErrors ? [reason] : []
    // Ignore an error: no caller is left to receive it.
    new Promise((resolve) => resolve(Reflect.apply(method, body, given))).catch(() => undefined)
    return
  }
}

/**
 * True for a request of a Node server. Destroying it would destroy its socket, which the response still needs. The end of the response
 * releases both.
 */
function isIncomingRequest(body: unknown): boolean {
  const property = (name: string): unknown => Reflect.get(Object(body), name)
  return property('statusCode') === null && typeof property('method') === 'string'
}
