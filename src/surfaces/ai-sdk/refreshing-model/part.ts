import { readReasoningMark } from '../signature.ts'

/** The parts that come before a stream's first content. The library may repeat an attempt that has sent only these. */
const PRELUDE: ReadonlySet<unknown> = new Set([
  'stream-start',
  'response-metadata',
  'text-start',
  'reasoning-start',
  'ping',
  'raw',
])

/** The fields of a part that this surface reads. Their types are unknown, because a model may send anything. */
export interface PartFields {
  readonly type?: unknown
  readonly id?: unknown
  readonly error?: unknown
  readonly providerMetadata?: unknown
}

/** The fields of a part. An empty object if the part is not an object. */
export function fieldsOf(part: unknown): PartFields {
  return typeof part === 'object' && part !== null ? part : {}
}

/** True if a part carries no content. An unknown kind of part counts as content, so that the caller never gets it twice. */
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
