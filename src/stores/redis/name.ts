import { describe, optionError } from '../../lib/options.ts'

const DEFAULT_PREFIX = 'llm-refresh'

/** @throws RefreshError `invalid_option` */
export function readPrefix(prefix: string = DEFAULT_PREFIX): string {
  if (typeof prefix === 'string' && !/^$|[{}]/u.test(prefix)) return prefix
  const what = typeof prefix === 'string' ? 'a text that is empty, or has braces' : describe(prefix)
  throw optionError('prefix', `must be a name, not ${what}`)
}

/** The key as JSON, so that every key has a different text. Braces are escaped, because they have a meaning in a cluster. */
export function nameOf(key: string): string {
  return JSON.stringify(key)
    .slice(1, -1)
    .replaceAll(/[{}]/gu, (brace) => (brace === '{' ? String.raw`\u007b` : String.raw`\u007d`))
}

/** The name of an account's hash. A cluster chooses the server by the part in braces. */
export function hashOf(prefix: string, key: string): string {
  return `${prefix}:{${nameOf(key)}}`
}

/** The key of a hash's account; undefined if another program has made the hash. */
export function keyOf(prefix: string, hash: string): string | undefined {
  try {
    const key: unknown = JSON.parse(`"${hash.slice(prefix.length + 2, -1)}"`)
    return typeof key === 'string' && hashOf(prefix, key) === hash ? key : undefined
  } catch {
    return undefined
  }
}

/** A pattern of SCAN that finds all hashes of a prefix. */
export function patternOf(prefix: string): string {
  return `${prefix.replaceAll(/[\\*?[\]^]/gu, String.raw`\$&`)}:{*}`
}
