/** The number of causes in a chain that are looked at. */
const MOST_CAUSES = 4

/**
 * The address of a failed connection, if it is not the request's own: then a proxy of the machine is on the way.
 *
 * @param host the request's host with the port that it names, such as `auth.example.com` or `127.0.0.1:8080`
 * @returns such as `127.0.0.1:3128`
 */
export function dialledInstead(thrown: unknown, host: string): string | undefined {
  let at = thrown
  for (let depth = 0; depth < MOST_CAUSES && typeof at === 'object' && at !== null; depth++) {
    const address: unknown = Reflect.get(at, 'address')
    const port: unknown = Reflect.get(at, 'port')
    if (typeof address === 'string' && typeof port === 'number' && /^[\da-f.:]{2,45}$/i.test(address)) {
      const named = /:(\d+)$/.exec(host)?.[1]
      const isAsked = named === undefined ? port === 443 || port === 80 : port === Number(named)
      return isAsked ? undefined : `${address.includes(':') ? `[${address}]` : address}:${port}`
    }
    at = Reflect.get(at, 'cause')
  }
  return undefined
}
