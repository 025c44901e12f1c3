import { abortable } from './abortable.ts'
import { platformClock, startTimer } from './clock.ts'
import { inputWasRead } from './input.ts'

/** Options of a wait for a turn. */
export interface TurnOptions {
  /** Ends the wait for the turn, with the signal's reason. It has no effect once `run` was called. */
  readonly signal?: AbortSignal | undefined
  /** True if the turn was given up. A platform may cancel a request's work without settling it, so that its turn would never end. */
  readonly isOver?: (() => boolean) | undefined
}

interface Turn {
  readonly ended: Promise<void>
  readonly isOver: (() => boolean) | undefined
}

/** ms between a waiter's looks whether the turn before its own was given up. */
const LOOK = 50

/** Runs one function at a time for each key, in the order of the calls. */
export class KeyedMutex {
  /** The running and waiting turns of each key, in order. */
  readonly #lines = new Map<string, Set<Turn>>()

  async take<R>(key: string, run: () => Promise<R>, options: TurnOptions = {}): Promise<R> {
    const { signal, isOver } = options
    const line = this.#lines.get(key) ?? new Set()
    this.#lines.set(key, line)
    const before = [...line]
    let done = (): void => undefined
    const ended = new Promise<void>((resolve) => (done = resolve))
    const mine: Turn = { ended, isOver }
    line.add(mine)
    try {
      await passed(before, signal)
      for (const turn of before) line.delete(turn)
      return await run()
    } finally {
      line.delete(mine)
      if (line.size === 0 && this.#lines.get(key) === line) this.#lines.delete(key)
      done()
    }
  }
}

/** Resolves when each of these turns has ended or was given up. */
async function passed(before: readonly Turn[], signal: AbortSignal | undefined): Promise<void> {
  for (const { ended, isOver } of before) await abortable(isOver ? endedOrOver(ended, isOver) : ended, signal)
}

/**
 * Resolves when the turn has ended or was given up. The timer is this waiter's own, so the waiter depends on no other request. The timer does
 * not keep the process alive. After a freeze the response that the turn waits for may have arrived, so the process reads it before the turn
 * counts as given up.
 */
function endedOrOver(ended: Promise<void>, isOver: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    let stop = (): void => undefined
    const look = (): void => {
      if (isOver()) void inputWasRead().then(resolve)
      else stop = startTimer(platformClock, LOOK, look)
    }
    look()
    void ended.then(() => {
      stop()
      resolve()
    })
  })
}
