/** Holds callers of `pass()` back, as many as the test says. */
export class Gate {
  #toHold = 0
  readonly #held: { readonly pass: () => void; readonly turnAway: () => void }[] = []
  readonly #watchers = new Set<() => void>()

  /** Holds the next `count` callers of `pass()`. Later callers pass. */
  hold(count: number): void {
    this.#toHold = count
  }

  /** Resolves when the caller may go on: at once, unless the gate holds it. */
  pass(): Promise<void> {
    if (this.#toHold === 0) return Promise.resolve()
    this.#toHold--
    return new Promise((pass, reject) => {
      this.#held.push({ pass, turnAway: () => reject(new Error('turned away')) })
      for (const look of this.#watchers) look()
    })
  }

  /** Resolves when the gate holds so many callers. */
  holding(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#held.length < count) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  /** Releases the first `count` held callers. Default: releases all, and holds no more callers. */
  release(count?: number): void {
    if (count === undefined) this.#toHold = 0
    for (const { pass } of this.#held.splice(0, count ?? this.#held.length)) pass()
  }

  /** Rejects the promises of all held callers. */
  turnAway(): void {
    for (const { turnAway } of this.#held.splice(0)) turnAway()
  }
}
