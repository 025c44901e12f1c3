import { abortable } from './abortable.ts'
import { platformClock, startTimer } from './clock.ts'
import { inputWasRead } from './input.ts'

/** Options of a wait for a turn. */
export interface TurnOptions {
  /** Ends the wait for the turn, with its reason. It ends nothing once `run` was called. */
  readonly signal?: AbortSignal | undefined
  /** True if the turn was given up. A platform that ends a request may end its work unsettled, so that its turn would never end. */
  readonly isOver?: (() => boolean) | undefined
}

interface Turn {
  readonly ended: Promise<void>
  readonly isOver: (() => boolean) | undefined
}

/** ms between looks at turns that were given up. */
const LOOK = 50

/** Runs one thing at a time for each key, in the order of asking. */
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

/** Resolves when all of these have ended, or were given up. */
async function passed(before: readonly Turn[], signal: AbortSignal | undefined): Promise<void> {
  for (const { ended, isOver } of before) await abortable(isOver ? endedOrOver(ended, isOver) : ended, signal)
}

/**
 * The timer is this caller's own, so that no other request has to go on for it. It does not keep the process alive. One that was frozen
 * may have got what its turn waits for: that is read before the turn counts as given up.
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
