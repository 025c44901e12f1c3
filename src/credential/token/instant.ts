/** The earliest expiry of a token issued now (epoch ms). Go's zero time, which means never, lies before it. */
const EARLIEST = 946_684_800_000
/** The longest lifetime that we believe, in ms. A longer one is a mistake, or has a mixed-up unit. */
const CENTURY = 3_155_760_000_000
/** From here on a number counts ms, not seconds: the year 1973 in the one, 5138 in the other. */
const MILLISECONDS = 1e11
/** From these on a number counts µs, and ns. */
const MICROSECONDS = 1e14
const NANOSECONDS = 1e17
/** Characters; a longer text is no date, and is not looked at. */
const LONGEST = 64

/** RFC 3339, and what Go, Python and AWS make of it: blanks, a zone without a colon or with a name behind it. */
const DATE =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?: (?![AP]M$)[A-Z]{1,5})?(?: m=[+-][\d.]{1,20})?(?:\[[\w/+-]{1,32}\])?$/i
/** An HTTP date (RFC 9110 section 5.6.7), also with a zone as numbers; and what Java and `date` print. */
const HTTP_DATE =
  /^(?:[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})|[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d (?:GMT|UTC) \d{4})$/

/**
 * The point in time that is meant, in epoch ms: a date (RFC 3339, an HTTP date; local time where it names no zone), epoch seconds or
 * epoch ms, as a number or as text. Undefined for what cannot be an expiry.
 *
 * @param now epoch ms
 */
export function readInstant(value: unknown, now: number): number | undefined {
  const at = typeof value === 'string' && value.length <= LONGEST ? readText(value.trim()) : fromNumber(value)
  return at >= EARLIEST && at < now + CENTURY ? at : undefined
}

function readText(text: string): number {
  // .NET, and so Windows PowerShell, write dates like that.
  const digits = /^(?:\/Date\()?(\d{1,20}(?:\.\d{1,20})?)(?:[+-]\d{4})?(?:\)\/)?$/.exec(text)?.[1]
  return digits === undefined ? readDate(text) : fromNumber(Number(digits))
}

function fromNumber(value: unknown): number {
  if (typeof value !== 'number') return NaN
  if (value < MILLISECONDS) return value * 1000
  return value < MICROSECONDS ? value : value < NANOSECONDS ? value / 1e3 : value / 1e6
}

/** The platform reads more than dates as dates. */
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
