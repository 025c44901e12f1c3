import { RefreshError } from '../errors.ts'

/** @throws RefreshError `invalid_option` if the value is no finite number, or is below `least` */
export function milliseconds(name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value
  throw optionError(name, `must be ms from ${least}, not ${describe(value)}`)
}

const FUNCTIONS = ['refresh', 'reread', 'expiresAt', 'onEvent', 'background', 'fetch']

/** Options that are objects, each with a method that such an object must have. */
const OBJECTS: Readonly<Record<string, readonly [method: string, what: string]>> = {
  signal: ['addEventListener', 'an AbortSignal'],
  clock: ['now', 'a clock with now()'],
}

/** The names of options before 0.1.0, each with its present name. */
const RENAMED: Readonly<Record<string, string>> = {
  ahead: 'refreshAhead',
  outage: 'whenStoreIsDown',
  rotates: 'spendsRefreshToken',
  sniff: 'inspectStreams',
}

/** Throws for an option that does not exist, so that a misspelt name is noticed, and for one that should be a function and is not. */
export function checkOptions(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw optionError('options', 'must be an object')
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw optionError(name, unknown(name, known))
    if (FUNCTIONS.includes(name) && value !== undefined && typeof value !== 'function') {
      throw optionError(name, `must be a function, not ${describe(value)}`)
    }
    const [method, what] = OBJECTS[name] ?? []
    if (
      method !== undefined &&
      value !== undefined &&
      typeof Reflect.get(Object(value), method) !== 'function'
    ) {
      throw optionError(name, `must be ${what}, not ${describe(value)}`)
    }
  }
}

function unknown(name: string, known: readonly string[]): string {
  const renamed = RENAMED[name]
  if (renamed !== undefined && known.includes(renamed)) return `is called '${renamed}' now`
  return `does not exist; there are ${known.join(', ')}`
}

/** The error for one invalid option. */
export function optionError(name: string, problem: string): RefreshError {
  return new RefreshError('invalid_option', `'${name}' ${problem}.`)
}

/** Describes a value without its content, which may be a secret. */
export function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value
}
