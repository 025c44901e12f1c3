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

/** How a source is asked. */
export interface IssueOptions {
  readonly clock: Clock
  /** epoch ms: no try begins after that. */
  readonly until: number
  /** How often a failure is tried again at once that reached nobody, or that came as a whole response. */
  readonly tries: number
  /** Asking spends something: a request that broke after it was sent is tried once more, and no oftener. */
  readonly spends: boolean
  /** Makes sure, before each try, that nobody else is at it. */
  readonly confirm: (() => Promise<void>) | undefined
  /** Hears of a source that still runs when the signal has aborted: what it brings may be the only copy of a rotated token. */
  readonly onLate: (late: Promise<AccessToken>) => void
  /** Whose source it is: its requests pass by the surfaces that serve this. */
  readonly owner?: object | undefined
}

/**
 * Asks a source for a token. A transient failure is tried again where that can do no harm: no complete success is asked for twice.
 *
 * @throws what the source throws; RefreshError `source_invalid`; the signal's reason
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
