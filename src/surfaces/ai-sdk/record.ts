/**
 * Lays `ours` over `theirs`, and merges objects at every depth. A field of `ours` that is `undefined` removes theirs. Changes neither
 * argument.
 */
export function merged(
  theirs: Record<string, unknown>,
  ours: Record<string, unknown>,
): Record<string, unknown> {
  const result = { ...theirs }
  for (const [key, value] of Object.entries(ours)) {
    const under = result[key]
    if (value === undefined) delete result[key]
    else result[key] = isRecord(value) ? merged(isRecord(under) ? under : {}, value) : value
  }
  return result
}

/** True for an object that is not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
