/** How streams are let go of: Node's, the web's, and whatever else can be iterated. */
const WAYS = ['destroy', 'cancel', 'return']

/**
 * Lets go of a body that nobody is going to read, with whatever it holds open. What is no stream stays as it is.
 *
 * @param reason is told to a web stream. To one of Node's an error would be an event, and end the process where nobody listens.
 * @param hearsErrors somebody listens
 */
export function releaseBody(body: unknown, reason?: unknown, hearsErrors?: boolean): void {
  if (isIncomingRequest(body)) return
  for (const way of WAYS) {
    const method: unknown = Reflect.get(Object(body), way)
    if (typeof method !== 'function') continue
    const given = way === 'cancel' || hearsErrors ? [reason] : []
    // Nobody is there to hear what goes wrong.
    new Promise((resolve) => resolve(Reflect.apply(method, body, given))).catch(() => undefined)
    return
  }
}

/** Of a server of Node's. Its response goes over the same socket, which would be destroyed with it; the response's end releases both. */
function isIncomingRequest(body: unknown): boolean {
  const property = (name: string): unknown => Reflect.get(Object(body), name)
  return property('statusCode') === null && typeof property('method') === 'string'
}
