import { runAsSource } from '../../core/source-context.ts'
import { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import { type Clock, pause } from '../../lib/clock.ts'
import { factsOf, isPassing, noting } from '../failure-facts.ts'
import type { Source, SourceContext } from '../source.ts'
import { type AccessToken, readToken } from '../token.ts'
import { usableToken } from '../token/usable-token.ts'

/** ms: the wait before the second try, less a random part of up to one half */
const FIRST_WAIT = 250

/** Options of a request to the source. */
export interface IssueOptions {
  readonly clock: Clock
  /** epoch ms: no try begins later. */
  readonly until: number
  /** The number of tries in all, if each request reached no server or got a whole response. */
  readonly tries: number
  /** True if the request spends something: if it breaks after it was sent, it is tried exactly once more. */
  readonly spends: boolean
  /** Confirms before each try that this process still holds the lock. */
  readonly confirm: (() => Promise<void>) | undefined
  /** Called if the signal aborts while the source runs: the source may still bring the only copy of a rotated token. */
  readonly onLate: (late: Promise<AccessToken>) => void
  /** The owner of the source. A surface that serves this owner does not handle the source's requests. */
  readonly owner?: object | undefined
}

/**
 * Asks a source for a token. It tries again after a failure that may pass, but never after a whole 2xx, which spent the refresh token.
 *
 * @throws the source's error; RefreshError `source_invalid`; the signal's reason
 */
export async function issue(
  source: Source,
  context: SourceContext,
  { clock, until, tries, spends, confirm, onLate, owner }: IssueOptions,
): Promise<AccessToken> {
  let hasBroken = false
  for (let tried = 1; ; tried++) {
    await confirm?.()
    const begun = clock.now()
    const asked = runAsSource(() => source.issue(context), owner).then((received) =>
      usableToken(readReceived(received), clock.now()),
    )
    try {
      return await abortable(asked, context.signal)
    } catch (error) {
      const { aborted } = context.signal
      if (aborted) onLate(asked)
      if (hasBroken && error instanceof RefreshError) noting(error, { hasBroken })
      if (aborted || !(error instanceof RefreshError) || !isPassing(error)) throw error
      const { reach } = factsOf(error)
      if (reach === 'accepted') throw error
      // A user's own source that does not say how far its request got may have sent it.
      const isBroken = spends && (reach ?? (error.code === 'source_unreachable' ? 'broken' : '')) === 'broken'
      if (isBroken ? hasBroken : tried >= tries) throw error
      hasBroken ||= isBroken
      const { retryAfterMs = FIRST_WAIT * 4 ** (tried - 1) * (0.5 + Math.random() / 2) } = error
      // A try that takes as long as this one would outlast the deadline, and the caller would not learn which server is slow.
      const took = Math.max(0, clock.now() - begun)
      if (clock.now() + retryAfterMs + took >= until) throw error
      await pause(clock, retryAfterMs, context.signal)
    }
  }
}

function readReceived(received: unknown): AccessToken {
  try {
    return readToken(received)
  } catch (cause) {
    throw new RefreshError(
      'invalid_value',
      'The source gave no token: its issue() must resolve with { accessToken: string, … }.',
      { cause },
    )
  }
}
