/** Nothing that is issued now expired before (epoch ms); Go's zero time, which means never, lies before it. */
const EARLIEST = Date.UTC(2000)
/** What is said to live longer, in ms, is a mistake, or a unit that was mixed up. */
const CENTURY = 100 * 365.25 * 86_400_000
/** From here on a number counts ms, not seconds: the year 1973 in the one, 5138 in the other. */
const MILLISECONDS = 1e11

/**
 * The point in time that is meant, in epoch ms: a date (RFC 3339; local time where it names no zone), epoch seconds or
 * epoch ms, as a number or as text. Undefined for what cannot be an expiry.
 *
 * @param now epoch ms
 */
export function readInstant(value: unknown, now: number): number | undefined {
  const number = typeof value === 'string' && /^\s*\d+(?:\.\d+)?\s*$/.test(value) ? Number(value) : value
  const at =
    typeof number === 'number'
      ? number * (number < MILLISECONDS ? 1000 : 1)
      : typeof number === 'string'
        ? readDate(number.trim())
        : NaN
  return at >= EARLIEST && at < now + CENTURY ? at : undefined
}

/** The platform reads more than dates as dates. */
function readDate(text: string): number {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return NaN
  return Date.parse(text.replace(/\s*UTC$/, 'Z').replace(' ', 'T'))
}
