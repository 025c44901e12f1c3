import { proxiedFetch } from './http.ts'

/** The longest wait for a response, in ms. */
const TIMEOUT = 10_000

/**
 * Reads the metadata of an MCP server (RFC 9728), under its path or else at its root. Returns undefined if there are none. It never throws.
 *
 * @param named the URL of the metadata, if it is known
 */
export async function resourceMetadata({ origin, pathname }: URL, named?: string): Promise<unknown> {
  const send = (await proxiedFetch()) ?? fetch
  const place = `${origin}/.well-known/oauth-protected-resource`
  for (const url of named === undefined
    ? new Set([`${place}${pathname.replace(/\/$/, '')}`, place])
    : [named]) {
    try {
      const response = await send(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) })
      const metadata: unknown = response.ok ? await response.json() : await response.body?.cancel()
      if (typeof Reflect.get(Object(metadata), 'resource') === 'string') return metadata
    } catch {
      // Ignore the error: the server is no MCP server, or the next reader of its metadata reports the problem.
    }
  }
  return undefined
}

export function isThisMachine({ hostname }: URL): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
