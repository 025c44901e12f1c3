import { RefreshError } from '../../errors.ts'
import { startTimer, pause } from '../../lib/clock.ts'

const PLATFORM = { now: (): number => Date.now() }

/** ms: the first pause between two tries */
const FIRST_PAUSE = 25
/** ms: the longest pause between two tries while a caller waits */
const SHORT_PAUSE = 400
/** ms: a caller waits this long for a write, and then uses the unsaved token */
export const BRIEFLY = 1_000

/** Options of a token's write. */
export interface WriteOptions {
  /** The longest pause between two tries, in ms. */
  readonly longestPause: number
  /** True if the token may be lost: then the write gives up after a second. */
  readonly isBrief: boolean
  /** True if no later try can succeed. */
  readonly isFinal: (error: unknown) => boolean
  readonly onFailure: (error: RefreshError) => void
}

/**
 * Writes a token under its lock, and tries until it succeeds: otherwise the next holder would redeem a spent refresh token. The pauses do
 * not keep the process alive: see `exitGrace`.
 *
 * @throws the last try's error, if no later try can succeed, or if `isBrief` and a second has passed
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

/** Tries for a second to write a failure. No lock is kept longer for it. @returns undefined if it could not be written */
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
