/** epoch ms: an earlier time is no expiry. Go's zero time, which means never, is earlier. */
const EARLIEST = 946_684_800_000
/** ms: a longer lifetime is a mistake, or is in another unit. */
const CENTURY = 3_155_760_000_000
/** A number from here on counts ms, not seconds. As ms it is in 1973 or later; as seconds it would be in 5138 or later. */
const MILLISECONDS = 1e11
/** A number from the first one on counts µs, and from the second one on ns. */
const MICROSECONDS = 1e14
const NANOSECONDS = 1e17
/** Characters: a longer text is no date, and is not read. */
const LONGEST = 64

/** RFC 3339, and the variants of Go, Python and AWS: blanks, a zone without a colon, a name behind the zone. */
const DATE =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?: (?![AP]M$)[A-Z]{1,5})?(?: m=[+-][\d.]{1,20})?(?:\[[\w/+-]{1,32}\])?$/i
/** An HTTP date (RFC 9110 section 5.6.7), also with a numeric zone; and the form that Java and `date` print. */
const HTTP_DATE =
  /^(?:[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})|[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d (?:GMT|UTC) \d{4})$/

/**
 * Reads a point in time, in epoch ms: a date (RFC 3339 or an HTTP date; local time if it names no zone), or a number, also as text, of epoch
 * seconds, ms, µs or ns. undefined if it cannot be an expiry.
 *
 * @param now epoch ms
 */
export function readInstant(value: unknown, now: number): number | undefined {
  const at = typeof value === 'string' && value.length <= LONGEST ? readText(value.trim()) : fromNumber(value)
  return at >= EARLIEST && at < now + CENTURY ? at : undefined
}

function readText(text: string): number {
  // .NET, and with it Windows PowerShell, writes `/Date(1700000000000)/`.
  const digits = /^(?:\/Date\()?(\d{1,20}(?:\.\d{1,20})?)(?:[+-]\d{4})?(?:\)\/)?$/.exec(text)?.[1]
  return digits === undefined ? readDate(text) : fromNumber(Number(digits))
}

function fromNumber(value: unknown): number {
  if (typeof value !== 'number') return NaN
  if (value < MILLISECONDS) return value * 1000
  return value < MICROSECONDS ? value : value < NANOSECONDS ? value / 1e3 : value / 1e6
}

/** Reads a date in the forms above only, because `Date.parse()` also accepts texts that are no dates. */
function readDate(text: string): number {
  if (HTTP_DATE.test(text)) return Date.parse(text)
  const match = DATE.exec(text)
  if (match === null) return NaN
  const [, year, month, day, hour, minute = '00', second = '00', fraction = '0', zone] = match
  const date = `${year}-${month}-${day}`
  if (hour === undefined) return Date.parse(date)
  const digits = (zone ?? '').replace(':', '')
  const offset = /^[+-]/.test(digits)
    ? `${digits.slice(0, 3)}:${digits.slice(3) || '00'}`
    : zone === undefined
      ? ''
      : 'Z'
  return Date.parse(`${date}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}${offset}`)
}
