import { keepLast } from '../../core/keep-last.ts'
import { RefreshError, type RefreshErrorCode } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { factsOf, isPassing } from '../failure-facts.ts'
import type { StoredFailure, StoredRecord } from '../store.ts'
import { fingerprint, isFingerprintOf } from './fingerprint.ts'

/** ms: a process waits no longer than this after it first saw a failure, because clocks differ. */
const LONGEST_WAIT = 60_000
/** ms: a pause doubles up to this if a person may mend the failure elsewhere at any moment. */
const LONGEST_TRANSIENT = 5_000
/** ms: a refused login is tried again after this time, because an authorization server may refuse by mistake. */
const TRIED_AGAIN = 86_400_000
/** ms: a failure that is older than this belongs to an earlier outage. */
const SAME_OUTAGE = 120_000

/** The beginning of the message for a remembered failure. */
const MEANING: Readonly<Partial<Record<RefreshErrorCode, string>>> = {
  reauthentication_required: 'The authorization server refused this login: log in again',
  source_rate_limited: 'The token endpoint asked to wait',
  source_unavailable: 'The token endpoint could not answer',
  source_refused: 'The token endpoint refused this client or its request: check the configuration',
  source_invalid: 'The token endpoint gave no token that can be used',
}

/** Returns the secrets that a request would present, which it computes once. */
export type Presented = () => Promise<readonly string[]>

/** Further facts about a failure. */
export interface Noted {
  /** undefined if the source cannot tell what it presented: then no process can notice a change of it. */
  readonly presented: Presented | undefined
  readonly isAbandoned: boolean
  /** ms: a pause without a Retry-After is no longer than this, because the value in force expires then. */
  readonly atMost: number | undefined
}

/**
 * Remembers the authorization server's last failure, in the record and in this process. Every process that shares the record obeys it, so
 * none sends a refused request again before something has changed.
 */
export class FailureMemory {
  readonly #clock: Clock
  /** ms: the first pause after a failure. */
  readonly #first: number
  /** Each request may spend a refresh token. */
  readonly #spends: boolean
  /** This process's last failure. The store may not hold it: some failures are only this process's, and some could not be written. */
  #own: StoredFailure | undefined
  /** epoch ms: when this process first saw each of the last failures, by its content. */
  readonly #seen = new Map<string, number>()

  /**
   * @param first ms
   * @param spends each request may spend a refresh token
   */
  constructor(clock: Clock, first: number, spends: boolean) {
    this.#clock = clock
    this.#first = first
    this.#spends = spends
  }

  /** Forgets earlier failures after a login, a logout or a success. */
  forget(): void {
    this.#own = undefined
    this.#seen.clear()
  }

  /** True if the endpoint failed shortly before: then a flight makes one try only. */
  isFailing(record: StoredRecord | undefined): boolean {
    return this.#ofOutage(record) !== undefined
  }

  /** Returns why no request may be sent now; undefined if one may. */
  async refusal(
    record: StoredRecord | undefined,
    presented: Presented | undefined,
  ): Promise<RefreshError | undefined> {
    for (const failure of this.#failures(record)) {
      const { terminal, at, notBefore = 0 } = failure
      const left = terminal ? TRIED_AGAIN - this.#age(at) : notBefore - this.#clock.now()
      const wait = Math.min(left, this.#bound(failure, terminal ? TRIED_AGAIN : LONGEST_WAIT))
      if (wait > 0 && (await concerns(failure, presented))) return remembered(failure, wait)
    }
    return undefined
  }

  /**
   * Notes a failure.
   *
   * @returns the member for the record
   */
  async note(
    error: RefreshError,
    record: StoredRecord | undefined,
    { presented, isAbandoned, atMost }: Noted,
  ): Promise<StoredFailure> {
    const { code, terminal } = error
    const { mayPass, reach } = factsOf(error)
    const at = this.#clock.now()
    // A 2xx without a usable token, such as a page for people, is no refusal of the login.
    const isRefusal = !isPassing(error) && reach !== 'accepted' && mayPass !== true
    const parts = isRefusal ? await readable(presented) : undefined
    const refused = parts && (await fingerprint(parts))
    const failure: StoredFailure = {
      code,
      terminal,
      at,
      ...(!terminal && { notBefore: at + this.#pause(error, record, atMost) }),
      ...(refused !== undefined && { refused }),
      ...(isAbandoned && { abandoned: true }),
    }
    this.#own = failure
    return failure
  }

  #failures(record: StoredRecord | undefined): StoredFailure[] {
    return [record?.failure, this.#own].filter((failure) => failure !== undefined)
  }

  /** The failure of the present outage, if there is one. */
  #ofOutage(record: StoredRecord | undefined): StoredFailure | undefined {
    return this.#failures(record).find(({ at, terminal }) => !terminal && this.#age(at) < SAME_OUTAGE)
  }

  #pause(error: RefreshError, record: StoredRecord | undefined, atMost: number = LONGEST_WAIT): number {
    const before = this.#ofOutage(record)
    const last = before === undefined ? undefined : (before.notBefore ?? before.at) - before.at
    const doubled = last === undefined ? this.#first : last * 2
    const longest = Math.min(this.#isLong(error) ? LONGEST_WAIT : LONGEST_TRANSIENT, atMost)
    return Math.min(Math.max(Math.min(doubled, longest), error.retryAfterMs ?? 0), LONGEST_WAIT)
  }

  /**
   * True if the pause doubles up to a minute: the endpoint limits the rate and states no time, or it spends refresh tokens and gives unusable
   * access tokens.
   */
  #isLong({ code, retryAfterMs }: RefreshError): boolean {
    if (retryAfterMs !== undefined) return false
    return code === 'source_rate_limited' || (code === 'source_invalid' && this.#spends)
  }

  /** ms: the rest of `longest`, counted by this process's clock since it first saw the failure. The record's time may be of a wrong clock. */
  #bound(failure: StoredFailure, longest: number): number {
    const now = this.#clock.now()
    const content = JSON.stringify(failure)
    // If the clock was set back, the wait begins anew, so that a refused request is not sent too early.
    const seen = Math.min(this.#seen.get(content) ?? now, now)
    this.#seen.set(content, seen)
    // Two failures count at a time, the record's and this process's own. Four entries keep the one before each.
    keepLast(this.#seen, 4)
    return longest - (now - seen)
  }

  /** ms: the age of a failure; 0 if its time is in the future, because the other process's clock is ahead. */
  #age(at: number): number {
    return Math.max(0, this.#clock.now() - at)
  }
}

/** True if the failure concerns this request: a refusal concerns only the same presented secrets, any other failure every request. */
async function concerns(
  { refused, terminal }: StoredFailure,
  presented: Presented | undefined,
): Promise<boolean> {
  if (refused === undefined || presented === undefined) return true
  return isFingerprintOf(refused, await presented()).catch(() => terminal)
}

/** The presented secrets; undefined if they cannot be read now: then the failure is remembered without their hash. */
async function readable(presented: Presented | undefined): Promise<readonly string[] | undefined> {
  try {
    return await presented?.()
  } catch {
    return undefined
  }
}

/**
 * Makes the error for a remembered failure, which another process may have seen.
 *
 * @param wait ms until the next try
 */
export function remembered({ code, terminal, at }: StoredFailure, wait = 0): RefreshError {
  const meaning = MEANING[code] ?? 'The last refresh failed'
  // Not `toISOString()`, which throws for a number that is no time, and a user's clock may give one.
  const when = new Date(at).toJSON()
  const next = terminal ? '' : `; no process asks it again for ${Math.ceil(wait / 1000)} s`
  const retryAfterMs = terminal ? undefined : wait
  return new RefreshError(code, `${meaning} (at ${when}${next}).`, { terminal, retryAfterMs })
}
