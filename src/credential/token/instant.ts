/** Nothing that is issued now expired before (epoch ms); Go's zero time, which means never, lies before it. */
const EARLIEST = Date.UTC(2000)
/** What is said to live longer, in ms, is a mistake, or a unit that was mixed up. */
const CENTURY = 100 * 365.25 * 86_400_000
/** From here on a number counts ms, not seconds: the year 1973 in the one, 5138 in the other. */
const MILLISECONDS = 1e11
/** Characters; a longer text is no date, and is not looked at. */
const LONGEST = 64

/** RFC 3339, and what Go, Python and AWS make of it: blanks, a zone without a colon or with a name behind it. */
const DATE =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?: [A-Z]{1,5})?(?: m=[+-][\d.]{1,20})?$/i
/** An HTTP date (RFC 9110 section 5.6.7), also with a zone as numbers. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})$/

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
  return /^\d{1,20}(?:\.\d{1,20})?$/.test(text) ? fromNumber(Number(text)) : readDate(text)
}

function fromNumber(value: unknown): number {
  return typeof value === 'number' ? value * (value < MILLISECONDS ? 1000 : 1) : NaN
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
