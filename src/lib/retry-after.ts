/** A number of seconds from here on is a point in time: epoch seconds, or epoch ms. */
const POINT_IN_TIME = 1e9

/**
 * How long a `Retry-After` header asks to wait, in ms. The header holds seconds or an HTTP date (RFC 9110 section 10.2.3); some servers send
 * epoch seconds. undefined if the header is absent or cannot be read.
 *
 * @param now epoch ms, by the clock that a date refers to: see {@link servedAt}
 */
export function parseRetryAfter(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  // The platform joins a header that came twice with a comma.
  const [, digits] = /^(\d{1,15}(?:\.\d{1,15})?)\s*(?:,|$)/.exec(text) ?? []
  if (digits !== undefined) {
    const seconds = Number(digits)
    return seconds < POINT_IN_TIME ? seconds * 1000 : Math.max(0, inMs(seconds) - now)
  }
  // `Date.parse()` also reads texts that are no dates, such as a negative number.
  const date = /^[A-Za-z]{3,9},|^\d{4}-/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/**
 * When the server sent a response, in epoch ms: by the server's clock if there is a `Date` header, because the dates of the response refer to
 * that clock, which need not agree with ours. Else by our clock.
 *
 * @param header reads a header of the response
 * @param now epoch ms, by our clock
 */
export function servedAt(header: (name: string) => string | null | undefined, now: number): number {
  // A cached response carries the date of its first delivery.
  const date = header('age') ? NaN : Date.parse(header('date')?.slice(0, 64) ?? '')
  return Number.isNaN(date) ? now : date
}

/** Epoch ms, from epoch seconds or epoch ms. */
function inMs(point: number): number {
  return point < 1e11 ? point * 1000 : point
}
