import { abortable } from '../core/abortable.ts'

/** Runs one thing at a time for each key, in the order of asking. */
export class Turns {
  /** Settles when everyone in the line of a key is done. */
  readonly #lines = new Map<string, Promise<void>>()

  /** @param signal ends the wait for the turn, with its reason. It ends nothing once `run` was called. */
  async take<R>(key: string, run: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    const before = this.#lines.get(key)
    let done = (): void => undefined
    const mine = new Promise<void>((resolve) => (done = resolve))
    // A caller that leaves the line early must not let the next one pass those before it.
    const line = before === undefined ? mine : before.then(() => mine)
    this.#lines.set(key, line)
    try {
      if (before !== undefined) await abortable(before, signal)
      return await run()
    } finally {
      done()
      void line.then(() => this.#lines.get(key) === line && this.#lines.delete(key))
    }
  }
}
