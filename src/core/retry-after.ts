/**
 * How long a `Retry-After` header asks to wait, in ms: seconds or an HTTP date (RFC 9110 section 10.2.3).
 * Undefined where it says nothing that can be read.
 *
 * @param now epoch ms
 */
export function parseRetryAfter(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
