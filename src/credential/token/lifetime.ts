/** Seconds in each unit, by its first letters. `m` is a minute here, and `ms` is looked for first. */
const UNITS: readonly (readonly [unit: RegExp, seconds: number])[] = [
  [/^(?:ms|milli)/, 0.001],
  [/^s/, 1],
  [/^m/, 60],
  [/^h/, 3_600],
  [/^d/, 86_400],
  [/^w/, 604_800],
]
/** Characters; a longer text is no lifetime, and is not looked at. */
const LONGEST = 40
const NUMBER = /^\d{1,20}(?:\.\d{1,20})?$/
/** What Node's and Go's libraries are configured with, and some servers send as it is: `1h`, `15 minutes`, `1h30m`. */
const WORDED =
  /(\d{1,12}(?:\.\d{1,9})?) ?(ms|milliseconds?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)(?![a-z])[ ,]{0,2}/y
/** ISO 8601, as Java prints a duration, without months. */
const ISO = /^P(?=.)(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,9})?)S)?)?$/
/** As .NET prints a time span. */
const CLOCK = /^(?:(\d{1,6})\.)?(\d{1,2}):(\d\d):(\d\d(?:\.\d{1,7})?)$/

/** The seconds of a lifetime that is written as text: with a unit, or without one. undefined if it is none. */
export function secondsIn(text: string): number | undefined {
  if (text.length > LONGEST) return undefined
  const trimmed = text.trim()
  if (NUMBER.test(trimmed)) return Number(trimmed)
  const parts = ISO.exec(trimmed.toUpperCase()) ?? CLOCK.exec(trimmed)
  if (parts === null) return wordedIn(trimmed.toLowerCase())
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0))
  return (days ?? 0) * 86_400 + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)
}

function wordedIn(text: string): number | undefined {
  let [seconds, end] = [0, 0]
  while (end < text.length) {
    WORDED.lastIndex = end
    const [all, number, unit] = WORDED.exec(text) ?? []
    if (all === undefined || unit === undefined) return undefined
    seconds += Number(number) * (UNITS.find(([name]) => name.test(unit))?.[1] ?? NaN)
    end += all.length
  }
  return end === 0 ? undefined : seconds
}
