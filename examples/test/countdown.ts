/** Counts events, and resolves a promise at a given count. */
export class Countdown {
  #count = 0
  readonly #watchers = new Map<() => void, number>()

  count(): void {
    this.#count++
    for (const [resolve, total] of this.#watchers) if (this.#count >= total) resolve()
  }

  /** Resolves when the count has reached the total. */
  reached(total: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#count >= total) resolve()
      else this.#watchers.set(resolve, total)
    })
  }
}
