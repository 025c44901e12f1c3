import { describe, optionError } from '../../lib/options.ts'

/** Bytes: a server cuts longer names. */
const LONGEST = 63

/** A table, and the channel of its notifications. */
export interface TableName {
  /** The form for people. */
  readonly shown: string
  /** The form for statements. */
  readonly quoted: string
  readonly channel: string
}

/** @throws RefreshError `invalid_option` */
export function readName(table: unknown): TableName {
  const parts = typeof table === 'string' ? table.split('.') : []
  if (parts.length < 1 || parts.length > 2 || !parts.every(isName)) {
    const problem = `must be a name, or schema.name, of letters, digits and _, not ${describe(table)}`
    throw optionError('table', problem)
  }
  const shown = parts.join('.')
  return { shown, quoted: parts.map((part) => `"${part}"`).join('.'), channel: shown.slice(-LONGEST) }
}

function isName(part: string): boolean {
  return /^[a-z_]\w*$/i.test(part) && part.length <= LONGEST
}
