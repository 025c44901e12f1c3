import { afterAll } from 'vitest'

/** Takes what ends something when its test, or its file, is over: tests that run side by side name their own `onTestFinished`. */
export type Ends = (end: () => Promise<void>) => void

/** What is taken ends after all tests of the file, or of the `describe` that this is called in: what came last ends first. */
export function afterTests(): Ends {
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })
  return (end) => void ends.push(end)
}
