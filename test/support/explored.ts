/** How much fast-check explores. */
interface Explored {
  readonly numRuns: number
  readonly seed?: number
}

/**
 * The tests explore the same each time, so that none fails by luck. The trial `schedules` begins elsewhere each time, and explores `SCHEDULES`
 * of each kind.
 *
 * @param numRuns what the tests explore
 */
export function explored(numRuns: number): Explored {
  const many = process.env['SCHEDULES']
  return many === undefined ? { numRuns, seed: 20_261_127 } : { numRuns: Number(many) }
}
