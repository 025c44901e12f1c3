import { readReasoningMark } from '../signature.ts'

/** The parts before a stream's first content: an attempt that sent only these may be repeated. */
const PRELUDE: ReadonlySet<unknown> = new Set([
  'stream-start',
  'response-metadata',
  'text-start',
  'reasoning-start',
  'ping',
  'raw',
])

/** The fields of a part that this surface looks at. A model may send anything. */
export interface PartFields {
  readonly type?: unknown
  readonly id?: unknown
  readonly error?: unknown
  readonly providerMetadata?: unknown
}

/** The fields of a part; none if it is no object. */
export function fieldsOf(part: unknown): PartFields {
  return typeof part === 'object' && part !== null ? part : {}
}

/** True if a part carries no content. A kind that this library does not know counts as content, so that it is never sent twice. */
export function isPrelude(part: unknown): boolean {
  const { type, providerMetadata } = fieldsOf(part)
  return PRELUDE.has(type) && !(type === 'reasoning-start' && holdsReasoning(providerMetadata))
}

/** Some vendors send encrypted reasoning whole, in the part that begins the block. */
function holdsReasoning(metadata: unknown): boolean {
  if (typeof metadata !== 'object' || metadata === null) return false
  const mark = readReasoningMark({ ...metadata })
  return mark !== undefined && 'redacted' in mark
}
