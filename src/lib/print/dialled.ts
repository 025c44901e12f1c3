/** How far down a chain of causes is looked. */
const MOST_CAUSES = 4

/**
 * Where a connection was to be made that failed, if that is not where the request was to go: then a proxy of the machine's is on the way.
 *
 * @param host whom the request was for, with the port that it names, such as `auth.example.com` or `127.0.0.1:8080`
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
