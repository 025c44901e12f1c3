import { startTimer, pause } from './clock.ts'

/** ms: the first and the longest pause between two tries */
const [FIRST_PAUSE, LONGEST_PAUSE] = [25, 400]

/**
 * Calls `ask` again while its failure may pass in a moment.
 *
 * @param longest ms after which no further try begins
 * @param isBackground the pauses do not keep the process alive
 * @throws the last try's error
 */
export async function retryWhile<R>(
  ask: () => Promise<R>,
  isPassing: (error: unknown) => boolean,
  longest: number,
  isBackground = false,
): Promise<R> {
  const end = performance.now() + longest
  for (let wait = FIRST_PAUSE; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
    try {
      return await ask()
    } catch (error) {
      if (!isPassing(error) || performance.now() + wait > end) throw error
      await (isBackground ? rest(wait) : pause({ now: Date.now }, wait))
    }
  }
}

/** Waits, without keeping the process alive. */
function rest(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer({ now: Date.now }, ms, resolve))
}
