import { afterAll } from 'vitest'

/** Takes what ends something when its test, or its file, is over: tests that run side by side name their own `onTestFinished`. */
export type Ends = (end: () => Promise<void>) => void

const ofFile: (() => Promise<void>)[] = []

/** What is taken ends after all tests of the file: what came last ends first. A module that several files share has no hook of its own in each. */
export const endsWithFile: Ends = (end) => void ofFile.push(end)

/** For `end-with-run.ts`, which runs for each file. */
export async function endFile(): Promise<void> {
  for (const end of ofFile.splice(0).toReversed()) await end()
}

/** What is taken ends after all tests of the file, or of the `describe` that this is called in: what came last ends first. */
export function afterTests(): Ends {
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })
  return (end) => void ends.push(end)
}
