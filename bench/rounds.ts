/** Runs two functions in turn, many times, so that other load on the machine slows both equally. */
export async function inTurn(
  rounds: number,
  one: () => Promise<number>,
  other: () => Promise<number>,
): Promise<{ one: number; other: number; ratio: number }> {
  // Warm up: the first rounds include the work of the JIT compiler.
  for (let n = 0; n < Math.ceil(rounds / 5); n++) {
    await one()
    await other()
  }
  const ones: number[] = []
  const others: number[] = []
  const ratios: number[] = []
  for (let n = 0; n < rounds; n++) {
    // The order alternates, so that the leftovers of one (garbage, a warm cache) affect the other equally often.
    const isTurned = n % 2 === 1
    const early = await (isTurned ? other() : one())
    const late = await (isTurned ? one() : other())
    const [first, second] = isTurned ? [late, early] : [early, late]
    ones.push(first)
    others.push(second)
    ratios.push(second / first)
  }
  return { one: median(ones), other: median(others), ratio: median(ratios) }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** How long a function takes, in ns. */
export async function elapsed(run: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint()
  await run()
  return Number(process.hrtime.bigint() - start)
}

/** One row of RESULTS.md: a figure with its upper or lower limit. */
export interface Finding {
  readonly question: string
  readonly figure: number
  readonly unit: string
  readonly ceiling?: number
  readonly floor?: number
  /** The comparison, in words. */
  readonly note: string
}
