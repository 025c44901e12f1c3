/** Locks that this process released, and could not mark as released: whether a redemption may be on its way under them. */
const unmarked = new Map<string, boolean>()

const MOST = 1_000

/** Notes a lock that this process gave up. This process then never waits for it, whatever its file says. */
export function giveUp(id: string, abandoned: boolean): void {
  unmarked.set(id, abandoned)
  for (const [oldest] of unmarked) {
    if (unmarked.size <= MOST) break
    unmarked.delete(oldest)
  }
}

/** Its file says by now that it was released. */
export function marked(id: string): void {
  unmarked.delete(id)
}

/** undefined: this process did not give it up. Else whether a redemption may be on its way under it. */
export function givenUp(id: string): boolean | undefined {
  return unmarked.get(id)
}

/** ms between tries: at first, and at most. Then so many tries, which is about ten minutes. */
const [FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES] = [100, 5_000, 125]

/** Goes on trying, for a time, and keeps no program alive for it. */
export function tryLater(attempt: () => Promise<void>): void {
  let [tries, wait] = [0, FIRST_PAUSE]
  const again = async (): Promise<void> => {
    try {
      await attempt()
    } catch {
      wait = Math.min(wait * 2, LONGEST_PAUSE)
      if (++tries < MOST_TRIES) start()
    }
  }
  const start = (): void => {
    const timer = setTimeout(() => void again(), wait)
    timer.unref()
  }
  start()
}
