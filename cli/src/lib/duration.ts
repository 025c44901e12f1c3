import { wrongInput } from './fault.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads a duration, such as `5m`.
 *
 * @returns ms
 * @throws Fault
 */
export function readDuration(option: string, given: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(given) ?? []
  const ms = Number(amount) * (UNITS[unit] ?? Number.NaN)
  if (amount === '' || !Number.isSafeInteger(Math.round(ms))) {
    throw wrongInput(`${option} must be a duration, such as 30s, 5m or 2h.`)
  }
  return Math.round(ms)
}

/** A duration in words, in its largest unit. */
export function durationOf(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000)
  if (seconds < 100) return `${seconds} s`
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
