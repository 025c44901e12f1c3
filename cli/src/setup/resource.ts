import { proxiedFetch } from './http.ts'

/** ms */
const TIMEOUT = 10_000

/**
 * What an MCP server says of itself (RFC 9728): under its path, else at its root. undefined where there is nothing to read. It never throws.
 *
 * @param named where the metadata are, if that is known
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
      // It is none, or whoever reads its metadata next tells why they cannot be read.
    }
  }
  return undefined
}

export function isThisMachine({ hostname }: URL): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
