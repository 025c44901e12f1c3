import type { JsonValue } from '../../lib/json.ts'

/** Characters of JSON that are kept. */
const MOST = 16_384
/** Levels of nesting. */
const DEEPEST = 16

/**
 * The other members of a token response, as far as JSON can hold them: at most 16 KiB, whole members only, the first ones before later
 * ones. undefined if none is left.
 */
export function boundedExtra(
  entries: Iterable<readonly [string, unknown]>,
): Readonly<Record<string, JsonValue>> | undefined {
  const kept: Record<string, JsonValue> = {}
  let left = MOST
  for (const [name, value] of entries) {
    // The rest is not even looked at: there may be very many.
    if (left <= 5) break
    if (name === '__proto__' || !isJson(value)) continue
    const size = sizeOf(value, left - name.length - 4, DEEPEST)
    if (size === undefined) continue
    left -= name.length + 4 + size
    kept[name] = value
  }
  return Object.keys(kept).length > 0 ? kept : undefined
}

/** The members of an object, one at a time: there may be too many to read. No members for any other value. */
export function* membersOf(
  value: unknown,
  isWanted: (name: string) => boolean = () => true,
): Generator<readonly [string, unknown]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  for (const name of Object.keys(value)) if (isWanted(name)) yield [name, Reflect.get(value, name)]
}

/** About how many characters of JSON a value takes; undefined for more than `most`, or for what no JSON holds. */
function sizeOf(value: unknown, most: number, levels: number): number | undefined {
  if (most <= 0) return undefined
  if (typeof value === 'string') return value.length + 2 <= most ? JSON.stringify(value).length : undefined
  if (value === null || typeof value === 'boolean') return 5
  if (typeof value === 'number') return Number.isFinite(value) ? 24 : undefined
  if (typeof value !== 'object' || levels === 0) return undefined
  let size = 2
  for (const [name, member] of Object.entries(value)) {
    const own = sizeOf(member, most - size - name.length - 4, levels - 1)
    if (own === undefined) return undefined
    size += own + name.length + 4
  }
  return size <= most ? size : undefined
}

function isJson(value: unknown): value is JsonValue {
  return ['string', 'number', 'boolean', 'object'].includes(typeof value)
}
