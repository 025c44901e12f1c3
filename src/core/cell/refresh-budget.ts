/** After so many calls a refresh that did not help is forgotten. */
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
 * Limits how often the endpoints that never accepted a value may cause a refresh. It counts calls, not time, so a slow poller does not
 * refresh at each poll. The distance trebles with each refresh that did not help: 1 call, 3, 9, 27 …. So 200 calls cause 6 refreshes, 400
 * calls 7.
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
   * @param generation the one that was rejected; its refresh counts once
   * @param isFinal it is known that the refresh did not help
   */
  spend(endpoint: string, generation: number, isFinal: boolean): void {
    const last = this.#spent.at(-1)
    if (last === undefined || last.generation < generation) {
      this.#spent.push({ endpoint, generation, at: this.#calls, isFinal })
    } else if (isFinal && last.endpoint === endpoint) last.isFinal = true
  }

  /** A refresh helped after all: the endpoint accepted a newer generation. Tells whether there was one. */
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
