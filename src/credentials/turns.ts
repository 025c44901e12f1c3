/** Runs one thing at a time for each key, in the order of asking. */
export class Turns {
  /** The last in line for each key. */
  readonly #lines = new Map<string, Promise<unknown>>()

  async take<R>(key: string, run: () => Promise<R>): Promise<R> {
    const before = this.#lines.get(key)
    const turn = before === undefined ? run() : before.then(run, run)
    this.#lines.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#lines.get(key) === turn) this.#lines.delete(key)
    }
  }
}
