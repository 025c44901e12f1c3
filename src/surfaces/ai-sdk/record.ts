/**
 * `ours` laid over `theirs`, objects merged at every depth. An `undefined` of ours takes theirs away. Neither is changed.
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

/** A plain object, and no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
