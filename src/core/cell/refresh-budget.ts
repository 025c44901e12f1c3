/** After this many calls the budget forgets a refresh that did not help. */
const REMEMBERED = 1_024

interface Spent {
  readonly endpoint: string
  /** The generation that was rejected. */
  readonly generation: number
  /** The number of the call. */
  readonly at: number
  /** True once it is known that the refresh did not help. */
  isFinal: boolean
}

/**
 * Limits how often doubtful endpoints (those that never accepted a value, or whose last refresh did not help) cause a refresh. It counts
 * calls, not time, so that a slow poller does not refresh at each poll. The number of calls between two refreshes triples with each refresh
 * that did not help: 1, 3, 9, 27 …. So 200 calls cause 6 refreshes, and 400 calls cause 7.
 */
export class RefreshBudget {
  #calls = 0
  #spent: Spent[] = []

  countCall(): void {
    this.#calls++
  }

  get allows(): boolean {
    this.#spent = this.#spent.filter(({ at }) => at > this.#calls - REMEMBERED)
    const last = this.#spent.at(-1)
    return last === undefined || this.#calls - last.at >= 3 ** (this.#spent.length - 1)
  }

  /**
   * Counts a refresh, once for each rejected generation.
   *
   * @param generation the generation that was rejected
   * @param isFinal true if a further rejection has shown that the refresh did not help
   */
  spend(endpoint: string, generation: number, isFinal: boolean): void {
    const last = this.#spent.at(-1)
    if (last === undefined || last.generation < generation) {
      this.#spent.push({ endpoint, generation, at: this.#calls, isFinal })
    } else if (isFinal && last.endpoint === endpoint) last.isFinal = true
  }

  /** Takes a refresh off the count, because the endpoint accepted a newer generation. Returns false if there is none to take off. */
  refund(endpoint: string, generation: number): boolean {
    // React Native's engine may lack findLastIndex().
    for (let at = this.#spent.length - 1; at >= 0; at--) {
      const spent = this.#spent[at]
      if (spent === undefined || spent.isFinal) continue
      if (spent.endpoint !== endpoint || spent.generation >= generation) continue
      this.#spent.splice(at, 1)
      return true
    }
    return false
  }
}
