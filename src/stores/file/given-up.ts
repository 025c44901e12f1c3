/** Locks that this process released and has not marked as released yet. True: a request that redeems may be on its way under the lock. */
const unmarked = new Map<string, boolean>()

const MOST = 1_000

/** Notes a lock that this process released. From then on this process never waits for the lock, although its file does not show that. */
export function giveUp(id: string, abandoned: boolean): void {
  unmarked.set(id, abandoned)
  for (const [oldest] of unmarked) {
    if (unmarked.size <= MOST) break
    unmarked.delete(oldest)
  }
}

/** Notes that a file marks the lock as released. */
export function marked(id: string): void {
  unmarked.delete(id)
}

/** undefined if this process did not release the lock without a mark. Else true if a request that redeems may be on its way under it. */
export function givenUp(id: string): boolean | undefined {
  return unmarked.get(id)
}

/** ms: the first and the longest pause between tries. Then the number of tries, which take about ten minutes. */
const [FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES] = [100, 5_000, 125]

/** Tries again for about ten minutes, and does not keep the process alive for that. */
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
