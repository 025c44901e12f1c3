import { RefreshError } from '../../errors.ts'
import { startTimer, pause } from '../../lib/clock.ts'

const PLATFORM = { now: (): number => Date.now() }

/** ms between tries, at first */
const FIRST_PAUSE = 25
/** ms between tries while the trouble is young */
const SHORT_PAUSE = 400
/** For so long a caller waits for a write before it goes on without: tries are close together until then. ms */
export const BRIEFLY = 1_000

/** Options of a token's write. */
export interface WriteOptions {
  /** The pause between tries, at most. ms */
  readonly longestPause: number
  /** The token may be lost: give up after a second. */
  readonly isBrief: boolean
  /** No later try can succeed. */
  readonly isFinal: (error: unknown) => boolean
  readonly onFailure: (error: RefreshError) => void
}

/**
 * Writes a token under its lock, again and again: the next holder would redeem a refresh token that is spent. The pauses do not keep
 * the process alive: see `exitGrace`.
 *
 * @throws the last try's error, if no later one can succeed, or `isBrief`
 */
export async function writeToken<W>(
  write: () => Promise<W>,
  { longestPause, isBrief, isFinal, onFailure }: WriteOptions,
): Promise<W> {
  const began = performance.now()
  for (let wait = FIRST_PAUSE; ; wait *= 2) {
    try {
      return await write()
    } catch (error) {
      const since = performance.now() - began
      if (isFinal(error) || (isBrief && since + wait > BRIEFLY)) throw error
      if (error instanceof RefreshError) onFailure(error)
      wait = Math.min(wait, longestPause, since < BRIEFLY ? SHORT_PAUSE : longestPause)
      await new Promise<void>((resolve) => startTimer(PLATFORM, wait, resolve))
    }
  }
}

/** Writes a failure: it is worth a few tries, and no lock. @returns undefined where it could not be written */
export async function writeFailure<W>(write: () => Promise<W>): Promise<W | undefined> {
  const end = performance.now() + BRIEFLY
  for (let wait = FIRST_PAUSE; performance.now() < end; wait = Math.min(wait * 2, SHORT_PAUSE)) {
    try {
      return await write()
    } catch {
      await pause(PLATFORM, wait)
    }
  }
  return undefined
}
