import { RefreshError } from '../errors.ts'

/** Returns what is wrong with the value of an option, as the rest of a sentence; undefined if nothing is. A check also sees a missing value. */
export type Check = (value: unknown) => string | undefined

/** For each option of an interface: its check, or its check and its default. */
export type OptionTable<O> = { readonly [N in keyof O]-?: Check | WithDefault<O[N]> }

/** The type of a table that other files use. The options `D` have defaults. */
export type OptionTableWith<D extends keyof O, O> = {
  readonly [N in keyof O]-?: N extends D ? WithDefault<O[N]> : Check
}

type WithDefault<V> = readonly [check: Check, value: Exclude<V, undefined>]

/** The options with their defaults, checked by a table. */
export type CheckedOptions<O, T extends OptionTable<O>> = {
  readonly [N in keyof O]-?: T[N] extends readonly unknown[] ? Exclude<O[N], undefined> : O[N]
}

/**
 * Reads options by their table. The compiler refuses a table that lacks a name of the interface, or has a name that the interface lacks.
 *
 * @throws RefreshError `invalid_option` for a wrong value, and for a name that is not in the table, so that a misspelt name is noticed
 */
export function checkedOptions<O extends object, const T extends OptionTable<O>>(
  options: O,
  table: T & { readonly [N in Exclude<keyof T, keyof O>]: never },
): CheckedOptions<O, T>
export function checkedOptions(
  options: unknown,
  table: Readonly<Record<string, Check | readonly [Check, unknown]>>,
): unknown {
  if (typeof options !== 'object' || options === null) throw optionError('options', 'must be an object')
  const known = Object.keys(table)
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw optionError(name, unknown(name, known))
  }
  const read: Record<string, unknown> = {}
  for (const [name, entry] of Object.entries(table)) {
    const given: unknown = Reflect.get(options, name)
    const [check, value] = typeof entry === 'function' ? [entry, given] : [entry[0], given ?? entry[1]]
    read[name] = checked(name, value, check)
  }
  return read
}

/** @throws RefreshError `invalid_option` */
export function checked<V>(name: string, value: V, check: Check): V {
  const problem = check(value)
  if (problem === undefined) return value
  throw optionError(name, problem)
}

/** The names of options before 0.1.0, each with its present name. */
const RENAMED: Readonly<Record<string, string>> = {
  ahead: 'refreshAhead',
  outage: 'whenStoreIsDown',
  rotates: 'spendsRefreshToken',
  sniff: 'inspectStreams',
}

function unknown(name: string, known: readonly string[]): string {
  const renamed = RENAMED[name]
  if (renamed !== undefined && known.includes(renamed)) return `is called '${renamed}' now`
  return `does not exist; there are ${known.join(', ')}`
}

/** Accepts each value: the code that reads the option checks it. */
export const anything: Check = () => undefined

/** A table of options that other code checks. */
// @__NO_SIDE_EFFECTS__
export function unchecked<N extends string>(...names: readonly N[]): Record<N, Check>
export function unchecked(...names: readonly string[]): Record<string, Check> {
  return Object.fromEntries(names.map((name) => [name, anything]))
}

/** @param what the values that the option may have, besides undefined */
// @__NO_SIDE_EFFECTS__
export function mustBe(what: string, isAllowed: (value: unknown) => boolean): Check {
  return (value) =>
    value === undefined || isAllowed(value) ? undefined : `must be ${what}, not ${describe(value)}`
}

export const aFunction: Check = mustBe('a function', (value) => typeof value === 'function')
export const aBoolean: Check = mustBe('true or false', (value) => typeof value === 'boolean')
export const aSignal: Check = mustBe('an AbortSignal', (value) => hasMethod(value, 'addEventListener'))
export const aClock: Check = mustBe('a clock with now()', (value) => hasMethod(value, 'now'))

export const aGivenFunction: Check = (value) =>
  typeof value === 'function' ? undefined : 'must be a function'

// @__NO_SIDE_EFFECTS__
export function from(least: number, unit = 'ms'): Check {
  return mustBe(`${unit} from ${least}`, (value) => Number.isFinite(value) && Number(value) >= least)
}

// @__NO_SIDE_EFFECTS__
export function above0(unit = 'ms'): Check {
  return mustBe(`${unit} above 0`, (value) => Number.isFinite(value) && Number(value) > 0)
}

// @__NO_SIDE_EFFECTS__
export function either(one: string, other: string): Check {
  return (value) =>
    value === undefined || value === one || value === other ? undefined : `must be '${one}' or '${other}'`
}

// @__NO_SIDE_EFFECTS__
export function among(allowed: readonly string[]): Check {
  return (value) =>
    value === undefined || allowed.some((one) => one === value)
      ? undefined
      : `must be one of ${allowed.join(', ')}`
}

export function hasMethod(value: unknown, name: string): boolean {
  return typeof Reflect.get(Object(value), name) === 'function'
}

/** The error for one invalid option. */
export function optionError(name: string, problem: string): RefreshError {
  return new RefreshError('invalid_option', `'${name}' ${problem}.`)
}

/** Describes a value without its content, which may be a secret. */
export function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value
}
