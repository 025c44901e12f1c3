import { keepLast } from '../../core/keep-last.ts'
import { RefreshError, type RefreshErrorCode } from '../../errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { factsOf, isPassing } from '../failure-facts.ts'
import type { StoredFailure, StoredRecord } from '../store.ts'
import { fingerprint, isFingerprintOf } from './fingerprint.ts'

/** The longest wait after a process first saw a failure, because clocks differ. ms */
const LONGEST_WAIT = 60_000
/** A pause doubles up to this if the failure may be mended elsewhere at any moment. ms */
const LONGEST_TRANSIENT = 5_000
/** A refused login is tried once more after that: authorization servers err, too. ms */
const TRIED_AGAIN = 86_400_000
/** A failure that is older began another outage. ms */
const SAME_OUTAGE = 120_000

/** How the error for a remembered failure begins. */
const MEANING: Readonly<Partial<Record<RefreshErrorCode, string>>> = {
  reauthentication_required: 'The authorization server refused this login: log in again',
  source_rate_limited: 'The token endpoint asked to wait',
  source_unavailable: 'The token endpoint could not answer',
  source_refused: 'The token endpoint refused this client or its request: check the configuration',
  source_invalid: 'The token endpoint gave no token that can be used',
}

/** Gets the secrets that a request would present. It computes them once. */
export type Presented = () => Promise<readonly string[]>

/** Further facts about a failure. */
export interface Noted {
  /** undefined if the source cannot tell what was refused: then no change can be recognized. */
  readonly presented: Presented | undefined
  readonly isAbandoned: boolean
  /** A pause without a Retry-After ends by then, because the value in force expires. ms */
  readonly atMost: number | undefined
}

/**
 * Remembers the authorization server's last refusal, as the record and this process know it. Every process that shares the record obeys it,
 * so a refused request is sent again only after something has changed.
 */
export class FailureMemory {
  readonly #clock: Clock
  /** The first pause after a failure. ms */
  readonly #first: number
  /** Each request may spend a refresh token. */
  readonly #spends: boolean
  /** A failure that the store does not hold, for a failure may be this process's own, or could not be written. */
  #own: StoredFailure | undefined
  /** When this process first saw each failure that counts now, by its content. epoch ms */
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

  /** True if the endpoint has been failing, so that one try will do. */
  isFailing(record: StoredRecord | undefined): boolean {
    return this.#ofOutage(record) !== undefined
  }

  /** Why nothing may be sent now, if so. */
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
    // A page for people around a success says nothing of the login.
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

  /** A failure of the outage that lasts. */
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
   * True if the pause has no stated length and should be long: the endpoint asks for patience, or takes refresh tokens and gives unusable
   * tokens.
   */
  #isLong({ code, retryAfterMs }: RefreshError): boolean {
    if (retryAfterMs !== undefined) return false
    return code === 'source_rate_limited' || (code === 'source_invalid' && this.#spends)
  }

  /** The rest of `longest`, counted from when this process first saw the failure: its own clock counts, whatever the record says. */
  #bound(failure: StoredFailure, longest: number): number {
    const now = this.#clock.now()
    const content = JSON.stringify(failure)
    // If the clock was set back, the refused request must not be sent again.
    const seen = Math.min(this.#seen.get(content) ?? now, now)
    this.#seen.set(content, seen)
    // Keeps the last ones of two failures: the record's and this process's own.
    keepLast(this.#seen, 4)
    return longest - (now - seen)
  }

  /** A time in the future is that of a clock that is ahead. ms */
  #age(at: number): number {
    return Math.max(0, this.#clock.now() - at)
  }
}

/** True if the failure concerns this request. Any change of the presented secrets ends a refusal. A pause concerns every request. */
async function concerns(
  { refused, terminal }: StoredFailure,
  presented: Presented | undefined,
): Promise<boolean> {
  if (refused === undefined || presented === undefined) return true
  return isFingerprintOf(refused, await presented()).catch(() => terminal)
}

/** A secret that cannot be read now leaves nothing to remember. */
async function readable(presented: Presented | undefined): Promise<readonly string[] | undefined> {
  try {
    return await presented?.()
  } catch {
    return undefined
  }
}

/**
 * Makes the error of a remembered failure, perhaps in another process.
 *
 * @param wait ms until it may be tried again
 */
export function remembered({ code, terminal, at }: StoredFailure, wait = 0): RefreshError {
  const meaning = MEANING[code] ?? 'The last refresh failed'
  // We avoid `toISOString()`: a user's clock may give a number that is no time.
  const when = new Date(at).toJSON()
  const next = terminal ? '' : `; no process asks it again for ${Math.ceil(wait / 1000)} s`
  const retryAfterMs = terminal ? undefined : wait
  return new RefreshError(code, `${meaning} (at ${when}${next}).`, { terminal, retryAfterMs })
}
