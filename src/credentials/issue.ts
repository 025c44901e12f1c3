import type { Clock } from '../core/clock.ts'
import { RefreshError, type RefreshErrorCode } from '../core/errors.ts'
import { pause } from './pause.ts'
import type { Source, SourceContext } from './source.ts'
import { type AccessToken, readToken } from './token.ts'

/** What time may mend within seconds. */
const TRANSIENT: ReadonlySet<RefreshErrorCode> = new Set([
  'source_unreachable',
  'source_unavailable',
  'source_rate_limited',
])
const MOST_TRIES = 3
/** ms */
const FIRST_WAIT = 250

/**
 * Asks a source for a token; where the answer is a transient failure, up to three times.
 *
 * @param until epoch ms: no try begins after that
 * @param confirm makes sure, before each try, that nobody else is at it
 */
export async function issue(
  source: Source,
  context: SourceContext,
  clock: Clock,
  until: number,
  confirm: (() => Promise<void>) | undefined,
): Promise<AccessToken> {
  for (let tries = 1; ; tries++) {
    await confirm?.()
    try {
      return readToken(await source.issue(context))
    } catch (error) {
      if (context.signal.aborted || !(error instanceof RefreshError) || !TRANSIENT.has(error.code))
        throw error
      const { retryAfter = FIRST_WAIT * 4 ** (tries - 1) * (0.5 + Math.random() / 2) } = error
      if (tries === MOST_TRIES || clock.now() + retryAfter >= until) throw error
      await pause(clock, retryAfter, context.signal)
    }
  }
}
