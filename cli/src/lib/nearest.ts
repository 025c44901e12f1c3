/** The known name that is most similar to a mistyped one, if any is similar. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase()
  const most = Math.max(name.length > 3 ? 2 : 1, Math.floor(name.length / 3))
  const [best] = known
    // The difference in length is the least distance. So a name of a hundred thousand letters is never compared.
    .filter((candidate) => Math.abs(candidate.length - name.length) <= most)
    .map((candidate) => ({ candidate, steps: distance(lower, candidate.toLowerCase()) }))
    .toSorted((one, other) => one.steps - other.steps)
  return best !== undefined && best.steps <= most ? best.candidate : undefined
}

/** The Levenshtein distance. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let at = 0; at < one.length; at++) {
    const next = [at + 1]
    for (let column = 1; column <= other.length; column++) {
      const swap = (row[column - 1] ?? 0) + Number(other[column - 1] !== one[at])
      next.push(Math.min(swap, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}
