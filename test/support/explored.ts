/** Parameters of fast-check. */
interface Explored {
  readonly numRuns: number
  readonly seed?: number
}

/**
 * The number of runs, and the seed. The tests use the same seed each time, so that none fails by luck. The trial `schedules` uses a new seed
 * each time, and makes `SCHEDULES` runs.
 *
 * @param numRuns the number of runs in the tests
 */
export function explored(numRuns: number): Explored {
  const many = process.env['SCHEDULES']
  return many === undefined ? { numRuns, seed: 20_261_127 } : { numRuns: Number(many) }
}
