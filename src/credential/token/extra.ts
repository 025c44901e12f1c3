import type { JsonValue } from '../../lib/json.ts'

/** Characters: at most this much JSON is kept. */
const MOST = 16_384
/** Levels of nesting. */
const DEEPEST = 16

/**
 * The other members of a token response that JSON can hold: at most 16 KiB, whole members only, earlier members before later ones.
 * undefined if none is left.
 */
export function boundedExtra(
  entries: Iterable<readonly [string, unknown]>,
): Readonly<Record<string, JsonValue>> | undefined {
  const kept: Record<string, JsonValue> = {}
  let left = MOST
  for (const [name, value] of entries) {
    // Stop here, because a hostile response may have very many members.
    if (left <= 5) break
    if (name === '__proto__' || !isJson(value)) continue
    const size = sizeOf(value, left - name.length - 4, DEEPEST)
    if (size === undefined) continue
    left -= name.length + 4 + size
    kept[name] = value
  }
  return Object.keys(kept).length > 0 ? kept : undefined
}

/** The members of an object, one at a time, so that a caller can stop. Any other value has none. */
export function* membersOf(
  value: unknown,
  isWanted: (name: string) => boolean = () => true,
): Generator<readonly [string, unknown]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  for (const name of Object.keys(value)) if (isWanted(name)) yield [name, Reflect.get(value, name)]
}

/** About how many characters of JSON a value takes; undefined if more than `most`, or if JSON cannot hold the value. */
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
