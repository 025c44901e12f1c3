/** Seconds in each unit. */
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }
/** A time span as .NET prints it: `1.02:00:00`. */
const CLOCK = /^(?:(\d+)\.)?(\d\d?):(\d\d):(\d\d)(?:\.\d+)?$/
/** Numbers with units. An `m` is a minute unless the unit goes on as `ms`, `month` or `millisecond`. */
const SPELLED = /^(?:\d+(?:\.\d+)? ?(?:[shdw]|m(?!s|o|il))[a-z]*[ ,]*)+$/

/**
 * The seconds of a lifetime that is written as text: a number, a number with units as libraries of Node and Go take it (`1h`, `15 minutes`,
 * `1h30m`), a duration of ISO 8601 (`PT1H`) or a time span of .NET (`01:00:00`). NaN if the text is no lifetime.
 */
export function secondsIn(text: string): number {
  const given = text.length > 40 ? '' : text.trim().toLowerCase()
  if (/^\d+(?:\.\d+)?$/.test(given)) return Number(given)
  const clock = given.replace(CLOCK, '0$1d$2h$3m$4s')
  const spelled = clock.startsWith('p') ? clock.replaceAll(/[pt]/g, '') : clock
  if (!SPELLED.test(spelled)) return NaN
  let seconds = 0
  for (const [, number, unit = ''] of spelled.matchAll(/([\d.]+) ?([a-z])/g)) {
    seconds += Number(number) * (UNITS[unit] ?? NaN)
  }
  return seconds
}
