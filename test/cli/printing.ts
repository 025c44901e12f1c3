/** What a command printed, and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** What a command prints while it runs. */
export interface Printing {
  /** What stdout and stderr hold so far. */
  readonly printed: () => string
  /** Settles once stdout or stderr holds this. */
  readonly until: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

type Add = (stream: 'stdout' | 'stderr', text: string) => void

/** @param end settles when the command has ended and has said all */
export function printing(end: (add: Add) => Promise<Pick<Ended, 'code' | 'signal'>>): Printing {
  const text = { stdout: '', stderr: '' }
  const looks = new Set<() => void>()
  const ended = end((stream, more) => {
    text[stream] += more
    for (const look of looks) look()
  }).then((how) => ({ ...how, ...text }))
  const printed = (): string => `${text.stdout}\n${text.stderr}`
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(printed())
        if (found === null) return
        looks.delete(look)
        resolve(found)
      }
      looks.add(look)
      look()
      void ended.then(() => reject(new Error(`It ended without ${pattern.source}: ${printed()}`)), reject)
    })
  return { printed, until, ended }
}
