/** Holds back those who come, as many as it is told to. */
export class Gate {
  #toHold = 0
  readonly #held: { readonly pass: () => void; readonly turnAway: () => void }[] = []
  readonly #watchers = new Set<() => void>()

  /** Those who come next are held, so many of them; everyone else passes. */
  hold(count: number): void {
    this.#toHold = count
  }

  /** Resolves when it is one's turn: at once for those who are not held. */
  pass(): Promise<void> {
    if (this.#toHold === 0) return Promise.resolve()
    this.#toHold--
    return new Promise((pass, reject) => {
      this.#held.push({ pass, turnAway: () => reject(new Error('turned away')) })
      for (const look of this.#watchers) look()
    })
  }

  /** Resolves when so many are held. */
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

  /** Lets so many of those pass who are held, the first ones first. Default: all, and holds nobody more. */
  release(count?: number): void {
    if (count === undefined) this.#toHold = 0
    for (const { pass } of this.#held.splice(0, count ?? this.#held.length)) pass()
  }

  /** Those who are held do not get through. */
  turnAway(): void {
    for (const { turnAway } of this.#held.splice(0)) turnAway()
  }
}
