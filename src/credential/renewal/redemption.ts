import { RefreshError } from '../../errors.ts'
import { factsOf } from '../failure-facts.ts'
import type { CredentialSettings } from '../options.ts'
import { isTerminal, lost } from '../record/failures.ts'
import type { Source } from '../source.ts'
import type { RecordContent, StoreContext, StoredRecord } from '../store.ts'
import { type AccessToken, withKept } from '../token.ts'
import { contentOf, NONE } from '../tombstone.ts'
import { type Candidate, Candidates, isByItself, seedTried } from './candidates.ts'
import type { FailureMemory } from './failure-memory.ts'
import { issue } from './issue.ts'
import { fitOf, mergedMadeFor, wantedBy } from './made-for.ts'

/** The input of a redemption. */
export interface Wish {
  readonly challenge: string | undefined
  readonly signal: AbortSignal
  /** epoch ms: no try begins later. */
  readonly until: number
  /** True for a retry that ignores a remembered refusal. */
  readonly isRetry?: boolean | undefined
  /** The token to replace: see `tokenBefore()`. */
  readonly before: AccessToken | undefined
  /** ms for which the value in force is still valid: a pause without a Retry-After is no longer. */
  readonly stillGood: number | undefined
  /** Called if the signal aborts while the source runs: the source may still bring a token. */
  readonly onLate: (late: Promise<AccessToken>) => void
}

/** The result of a redemption under the lock. */
export interface Redeemed {
  /** The content to write; undefined to leave the record as it is. */
  readonly content: RecordContent | undefined
  readonly token: AccessToken | undefined
  readonly error: unknown
  /** True if the process lost its lock before it asked the source. */
  readonly isLockLost?: boolean
}

/** The input of a redemption under a lock. */
interface Asking extends Wish {
  readonly confirm: StoreContext['confirm']
}

/** The work under the lock: it chooses the refresh token, asks the source, and decides what to write. */
export class Redemption {
  readonly #source: Source
  readonly #settings: CredentialSettings
  readonly #memory: FailureMemory
  readonly #candidates: Candidates

  constructor(source: Source, settings: CredentialSettings, memory: FailureMemory) {
    this.#source = source
    this.#settings = settings
    this.#memory = memory
    this.#candidates = new Candidates(source, settings)
  }

  /**
   * Returns why no request may be sent, according to the record; undefined if one may. It needs no lock.
   */
  async refusal(
    stored: StoredRecord | undefined,
    before: AccessToken | undefined,
    signal: AbortSignal,
  ): Promise<RefreshError | undefined> {
    let refusal: RefreshError | undefined = this.#candidates.none(stored)
    for (const candidate of await this.#candidates.of(stored, before, signal)) {
      refusal = await this.#memory.refusal(this.#ours(stored), this.#candidates.presented(candidate, signal))
      if (refusal === undefined) return undefined
    }
    return refusal
  }

  async redeem(
    stored: StoredRecord | undefined,
    lock: StoreContext | undefined,
    wish: Wish,
  ): Promise<Redeemed> {
    let [isAsked, isLockLost] = [false, false]
    const confirm = async (): Promise<void> => {
      isLockLost = !isAsked
      await lock?.confirm?.()
      ;[isAsked, isLockLost] = [true, false]
    }
    let failed: Redeemed | undefined
    for (const candidate of await this.#candidates.of(stored, wish.before, wish.signal)) {
      failed = await this.#try(stored, candidate, { ...wish, confirm }, lock)
      // After a terminal failure, try the next candidate, a seed that was not tried yet, before the login counts as dead.
      if (failed.error === undefined || !isTerminal(failed.error)) return { ...failed, isLockLost }
    }
    return failed ?? { content: undefined, token: undefined, error: this.#candidates.none(stored) }
  }

  async #try(
    stored: StoredRecord | undefined,
    candidate: Candidate,
    wish: Asking,
    lock: StoreContext | undefined,
  ): Promise<Redeemed> {
    const presented = this.#candidates.presented(candidate, wish.signal)
    const remembered =
      wish.isRetry === true ? undefined : await this.#memory.refusal(this.#ours(stored), presented)
    if (remembered !== undefined) return { content: undefined, token: undefined, error: remembered }
    const tried = await seedTried(stored, candidate)
    try {
      const received = await this.#ask(stored, candidate, wish, lock)
      this.#memory.forget()
      const token = withKept(received, candidate.current)
      return { content: this.#success(stored, token, tried), token, error: undefined }
    } catch (error) {
      // An earlier request, of another holder or of this flight, may have spent the refresh token that this request presented.
      const isAbandoned = lock?.abandoned === true || factsOf(error).hasBroken === true
      const told = isAbandoned && isTerminal(error) ? lost(error) : error
      const content = await this.#failure(stored, candidate, error, wish, tried, isAbandoned)
      return { content, token: undefined, error: told }
    }
  }

  async #ask(
    stored: StoredRecord | undefined,
    { current, madeFor }: Candidate,
    wish: Asking,
    lock: StoreContext | undefined,
  ): Promise<AccessToken> {
    const { signal, challenge } = wish
    const { spends } = this.#settings
    let isSent = false
    const sent = (): void => {
      // If the request spends nothing, a holder that vanishes leaves no doubt about a refresh token.
      if (spends && !isSent) lock?.sent?.()
      isSent = true
    }
    const ask = (demanded: string | undefined, asGranted?: boolean): Promise<AccessToken> => {
      // Make one try only: after an earlier request of unknown outcome, and while an outage lasts.
      const tries = lock?.abandoned === true || this.#memory.isFailing(this.#ours(stored)) ? 1 : 3
      const context = { current, challenge: demanded, signal, sent, asGranted, madeFor }
      return issue(this.#source, context, { ...this.#settings, ...wish, tries })
    }
    try {
      return await ask(challenge)
    } catch (error) {
      const { reach, refusedWish } = factsOf(error)
      // A user's own source that does not say how far its request got counts as having sent it.
      if (this.#source.presented === undefined && reach !== 'unsent') sent()
      // A person may grant less than the login requested. Some endpoints then refuse the requested scope in a refresh (RFC 6749 section 6).
      // So ask again without a scope.
      const isLogins = stored?.madeFor?.scope !== undefined && fitOf(stored, this.#source) === 'same'
      if (isLogins && refusedWish === 'scope') return ask(challenge, true)
      if (challenge === undefined || refusedWish !== 'challenge') throw error
      const token = await ask(undefined)
      this.#settings.onChallengeRefused?.(challenge)
      this.#settings.audience.tell({ type: 'challenge_refused' })
      return token
    }
  }

  /** The record without a failure that is not ours. A source of this machine writes none, so the record's is another configuration's. */
  #ours(stored: StoredRecord | undefined): StoredRecord | undefined {
    const isOthers = this.#source.isLocal === true && stored !== undefined
    return isOthers ? { ...stored, failure: undefined } : stored
  }

  /** The content to write for a token that arrived after its refresh was given up. */
  kept(
    stored: StoredRecord | undefined,
    token: AccessToken,
    before: AccessToken | undefined,
  ): RecordContent | undefined {
    return this.#success(stored, withKept(token, before))
  }

  /** The content to write for a token. undefined if the record holds another configuration's login: the record stays. */
  #success(
    stored: StoredRecord | undefined,
    token: AccessToken,
    tried?: Pick<RecordContent, 'triedSeeds'>,
  ): RecordContent | undefined {
    const isOther = fitOf(stored, this.#source) === 'other'
    if (isOther && isByItself(this.#source) && isLogin(stored)) return undefined
    const { failure: _failure, ...kept } = contentOf(stored ?? NONE)
    const merged = mergedMadeFor(isOther ? undefined : kept.madeFor, wantedBy(this.#source, kept.madeFor))
    return { ...kept, ...merged, ...tried, token }
  }

  /** The content to write for a failure. undefined if other processes need not know of it. */
  async #failure(
    stored: StoredRecord | undefined,
    candidate: Candidate,
    error: unknown,
    { signal, stillGood }: Wish,
    tried: Pick<RecordContent, 'triedSeeds'>,
    isAbandoned: boolean,
  ): Promise<RecordContent | undefined> {
    if (!(error instanceof RefreshError) || (!error.code.startsWith('source_') && !error.terminal))
      return undefined
    const { current } = candidate
    const presented = this.#candidates.presented(candidate, signal)
    const failure = await this.#memory.note(error, stored, {
      presented,
      isAbandoned,
      atMost: stillGood,
    })
    const isShared = this.#source.isLocal !== true && this.#isResponse(error)
    if (!isShared || (error.terminal && presented === undefined)) return undefined
    const kept = contentOf(stored ?? NONE)
    // The parts that the record names stay, because its access token was made for them.
    const madeFor = mergedMadeFor(this.#source.madeFor, kept.madeFor)
    const content = { ...kept, ...madeFor, ...(error.terminal && tried), failure }
    const { received } = factsOf(error)
    if (received?.refreshToken === undefined) return content
    // The response has no usable access token, but its refresh token is the only one that is not spent, so keep it.
    const unusable = { ...received, accessToken: current?.accessToken ?? UNUSABLE, expiresAt: 1 }
    return { ...content, token: withKept(unusable, current) }
  }

  /** True if the endpoint sent a whole response. For a user's own source that does not say so, the error's code decides. */
  #isResponse(error: RefreshError): boolean {
    const { reach } = factsOf(error)
    if (reach !== undefined) return reach === 'answered' || reach === 'accepted'
    return this.#source.presented === undefined && RESPONSES.test(error.code)
  }
}

const RESPONSES = /^(?:reauthentication_required|source_(?:refused|unavailable|rate_limited))$/

/** The stored access token if a token endpoint gave only a refresh token. Its record says that it has expired, so it is never sent. */
const UNUSABLE = 'none'

/** An access token is replaced as easily as it came. */
function isLogin({ token, failure }: StoredRecord = NONE): boolean {
  return token?.refreshToken !== undefined && failure?.terminal !== true
}
