/** After so many calls a refresh that did not help is forgotten. */
const REMEMBERED = 1_024

interface Spent {
  readonly endpoint: string
  /** The generation that was rejected. */
  readonly generation: number
  /** The number of the call. */
  readonly at: number
}

/**
 * How often the endpoints that never accepted a value may cause a refresh: counted in calls, for a slow poller must not refresh at each
 * poll. The distance doubles with each refresh that did not help: 2 calls, 4, 8 …. So 200 calls cause 7 at most.
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
    return last === undefined || this.#calls - last.at >= 2 ** this.#spent.length
  }

  /** @param generation the one that was rejected; its refresh counts once */
  spend(endpoint: string, generation: number): void {
    const last = this.#spent.at(-1)
    if (last === undefined || last.generation < generation) {
      this.#spent.push({ endpoint, generation, at: this.#calls })
    }
  }

  /** A refresh helped after all: the endpoint accepted a newer generation. Tells whether there was one. */
  refund(endpoint: string, generation: number): boolean {
    if (this.#spent.length === 0) return false
    const at = this.#spent.findLastIndex(
      (spent) => spent.endpoint === endpoint && spent.generation < generation,
    )
    if (at >= 0) this.#spent.splice(at, 1)
    return at >= 0
  }
}
