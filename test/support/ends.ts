import { afterAll } from 'vitest'

/** Registers a function that runs when a test, or a file, is over. Concurrent tests must pass their own `onTestFinished`. */
export type Ends = (end: () => Promise<void>) => void

/** Runs the registered functions after all tests of the file, or of the surrounding `describe`. The last one registered runs first. */
export function afterTests(): Ends {
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })
  return (end) => void ends.push(end)
}
