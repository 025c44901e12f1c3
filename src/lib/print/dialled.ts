/** Reads a member of a foreign error; undefined if its getter throws. */
export function read(error: object, name: string): unknown {
  try {
    return Reflect.get(error, name)
  } catch {
    return undefined
  }
}

/** The number of errors in a chain of causes that are read. */
const MOST_CAUSES = 4

/** undici's messages for a proxy of the machine that refused a tunnel, so that nothing reached the server. */
const REFUSED_BY_PROXY =
  /^Proxy response \((\d{3})\) !== 200 when HTTP Tunneling|^Proxy Authentication Required \((407)\)/

/** The code of undici from 8.6 on, and of ours, for a proxy that broke off the connection instead of opening a tunnel. */
export const BROKEN_BY_PROXY = 'UND_ERR_PRX_CONN'

/** Says how a proxy of the machine refused a tunnel, and what to do. undefined if no proxy refused one. */
export function refusedByProxy(thrown: unknown): string | undefined {
  let at = thrown
  for (let depth = 0; depth < MOST_CAUSES && typeof at === 'object' && at !== null; depth++) {
    const message: unknown = read(at, 'message')
    const [found, status, demand] = typeof message === 'string' ? (REFUSED_BY_PROXY.exec(message) ?? []) : []
    const isBroken = read(at, 'code') === BROKEN_BY_PROXY
    if (found !== undefined || isBroken) {
      const did = isBroken ? 'broke off the connection' : `responded ${status ?? demand}`
      const what = `the proxy of this machine ${did} and let nothing through`
      return (status ?? demand) === '407'
        ? `${what}: it demands a name and a password, which HTTPS_PROXY can hold`
        : `${what}: are HTTPS_PROXY and NO_PROXY right, and is it well?`
    }
    at = read(at, 'cause')
  }
  return undefined
}

/**
 * The address of a failed connection, if it is not the address of the request's host: then the request went to a proxy of the machine.
 *
 * @param host the request's host with the port that it names, such as `auth.example.com` or `127.0.0.1:8080`
 * @returns such as `127.0.0.1:3128`
 */
export function dialledInstead(thrown: unknown, host: string): string | undefined {
  let at = thrown
  for (let depth = 0; depth < MOST_CAUSES && typeof at === 'object' && at !== null; depth++) {
    const address: unknown = read(at, 'address')
    const port: unknown = read(at, 'port')
    if (typeof address === 'string' && typeof port === 'number' && /^[\da-f.:]{2,45}$/i.test(address)) {
      const named = /:(\d+)$/.exec(host)?.[1]
      const isAsked = named === undefined ? port === 443 || port === 80 : port === Number(named)
      return isAsked ? undefined : `${address.includes(':') ? `[${address}]` : address}:${port}`
    }
    at = read(at, 'cause')
  }
  return undefined
}
