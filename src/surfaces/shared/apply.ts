import { RefreshError } from '../../errors.ts'
import { optionError } from '../../lib/options.ts'

/** Returns the headers that carry a credential. A header that is undefined is removed from the request. */
export type Apply<T> = (value: T) => AppliedHeaders | Promise<AppliedHeaders>

/** Header → value. The names may be in any case of letters. */
export type AppliedHeaders = Readonly<Record<string, string | undefined>>

/** The headers to set and to remove. Names are in lower case. */
export interface Applied {
  readonly set: readonly (readonly [name: string, value: string])[]
  readonly remove: readonly string[]
  /**
   * True if a header other than `Authorization` is set. When a redirect leads to another origin, platforms remove only `Authorization`.
   */
  readonly survivesRedirects: boolean
}

/** The name of a header (RFC 9110 section 5.1). */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
/** The value of a header (RFC 9110 section 5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Reads the option `apply`.
 *
 * @returns puts a value on headers; throws `invalid_value` for a value that no header can carry
 * @throws RefreshError `invalid_option`
 */
export function readApply<T>(
  given: string | Apply<T> = 'authorization',
): (value: T) => Applied | Promise<Applied> {
  if (typeof given === 'function') {
    return (value) => {
      const headers = given(value)
      return headers instanceof Promise ? headers.then(applied) : applied(headers)
    }
  }
  if (typeof given !== 'string' || !NAME.test(given))
    throw optionError('apply', 'must be the name of a header, or a function')
  const name = given.toLowerCase()
  const scheme = name === 'authorization' ? 'Bearer ' : ''
  return (value) => applied({ [name]: scheme + tokenOf(value) })
}

function applied(headers: AppliedHeaders): Applied {
  const set: [string, string][] = []
  const remove: string[] = []
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase()
    if (value === undefined) remove.push(name)
    // Check the value here: the platform's own error would show it.
    else if (NAME.test(name) && typeof value === 'string' && VALUE.test(value)) set.push([name, value])
    else
      throw new RefreshError('invalid_value', 'The credential holds what no HTTP header can carry: mend it.')
  }
  return { set, remove, survivesRedirects: set.some(([name]) => name !== 'authorization') }
}

function tokenOf(value: unknown): string {
  const token: unknown = typeof value === 'string' ? value : Reflect.get(Object(value), 'accessToken')
  // A token from a file often has a line break at its end.
  if (typeof token === 'string' && token.trim() !== '') return token.trim()
  throw new RefreshError(
    'invalid_value',
    "The value is no token: a string, or { accessToken }. Give 'apply'.",
  )
}
