/**
 * How long a `Retry-After` header asks to wait, in ms: seconds or an HTTP date (RFC 9110 section 10.2.3). undefined if it cannot be read.
 *
 * @param now epoch ms
 */
export function parseRetryAfter(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  // A header that came twice is one with a comma.
  const [, seconds] = /^(\d{1,15}(?:\.\d{1,15})?)\s*(?:,|$)/.exec(text) ?? []
  if (seconds !== undefined) return Number(seconds) * 1000
  // The platform takes more than dates for dates, such as a negative number.
  const date = /^[A-Za-z]{3,9},|^\d{4}-/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
