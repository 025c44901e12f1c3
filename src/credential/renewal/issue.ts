import { runAsSource } from '../../core/source-context.ts'
import { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import { type Clock, pause } from '../../lib/clock.ts'
import { factsOf, isPassing, noting } from '../failure-facts.ts'
import type { Source, SourceContext } from '../source.ts'
import { type AccessToken, readToken } from '../token.ts'
import { usableToken } from '../token/usable-token.ts'

/** ms */
const FIRST_WAIT = 250

/** Options of a request to the source. */
export interface IssueOptions {
  readonly clock: Clock
  /** epoch ms: no try begins later. */
  readonly until: number
  /** How often a failure is tried again at once, if the request reached no server or got a whole response. */
  readonly tries: number
  /** The request spends something: if it breaks after it was sent, it is tried exactly once more. */
  readonly spends: boolean
  /** Confirms before each try that no other process is refreshing. */
  readonly confirm: (() => Promise<void>) | undefined
  /** Called with the run of a source that goes on after the signal aborted: it may bring the only copy of a rotated token. */
  readonly onLate: (late: Promise<AccessToken>) => void
  /** The owner of the source. A surface that serves this owner lets the source's requests pass by. */
  readonly owner?: object | undefined
}

/**
 * Asks a source for a token. A transient failure is tried again where that can do no harm: no complete success is asked for twice.
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
      // A source of the user's that does not say how far its request got may have sent it.
      const isBroken = spends && (reach ?? (error.code === 'source_unreachable' ? 'broken' : '')) === 'broken'
      if (isBroken ? hasBroken : tried >= tries) throw error
      hasBroken ||= isBroken
      const { retryAfterMs = FIRST_WAIT * 4 ** (tried - 1) * (0.5 + Math.random() / 2) } = error
      if (clock.now() + retryAfterMs >= until) throw error
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
