import type { RefreshError } from '../core/errors.ts'
import { type RefreshEvent, tell } from '../core/events.ts'
import type { RefreshContext } from '../core/refresher.ts'
import { isOutage, isTerminal, loggedOut, lost, nothingNewer, superseded, unchanged } from './failures.ts'
import { issue } from './issue.ts'
import type { CredentialSettings } from './options.ts'
import type { TokenRecord } from './record.ts'
import type { Source } from './source.ts'
import type { Change, StoreContext, StoredToken } from './store.ts'
import { type AccessToken, isSame, withKept } from './token.ts'

type Context = RefreshContext<AccessToken>

/** One refresh. */
interface Run extends Context {
  /** When it began. */
  readonly epoch: number
  /** epoch ms: no try begins after that. */
  readonly until: number
}

/** How a token is replaced where others share its store: adopt, issue, merge, persist, hand out. */
export class Renewal {
  readonly #settings: CredentialSettings
  readonly #record: TokenRecord
  readonly #epoch: () => number

  /** @param epoch raised by every login and logout: what began before must not be written after */
  constructor(settings: CredentialSettings, record: TokenRecord, epoch: () => number) {
    this.#settings = settings
    this.#record = record
    this.#epoch = epoch
  }

  /** What others have put into the store comes first, then what could not be written; only then is a new token issued. */
  async refresh(context: Context): Promise<AccessToken> {
    const run = this.#run(context)
    try {
      await this.#record.save()
      const stored = await this.#record.read()
      const adopted = this.#adopted(stored, context)
      if (adopted !== undefined) return adopted
      const { source } = this.#settings
      if (source === undefined) throw nothingNewer(stored)
      return await this.#exchange(source, run, stored?.revision)
    } catch (error) {
      const { source, outage } = this.#settings
      if (source !== undefined && outage === 'refresh' && isOutage(error))
        return this.#alone(source, run, error)
      // Where a lock was lost, somebody else has won.
      const mayLook = isTerminal(error) && run.epoch === this.#epoch()
      const winner = mayLook ? await this.reread(context).catch(() => undefined) : undefined
      if (winner === undefined) throw error
      return winner
    }
  }

  /** @param seen the revision that was read last */
  async #exchange(source: Source, run: Run, seen = 0): Promise<AccessToken> {
    let [fresh, isNews]: [AccessToken | undefined, boolean] = [undefined, true]
    const change: Change = async (stored, lock) => {
      // The lock may have been long in coming: what was put in force meanwhile is not to be redeemed and dropped.
      if (run.epoch !== this.#epoch()) throw superseded()
      fresh = this.#adopted(stored, run)
      if (fresh !== undefined) return undefined
      const isNewer = stored !== undefined && stored.revision > this.#record.revision
      const before = isNewer ? stored.token : (this.#record.latest ?? stored?.token)
      fresh = await this.#issue(source, run, before, lock)
      isNews = !isKnown(fresh, run)
      return isNews || !isSame(fresh, before) ? fresh : undefined
    }
    let newer = await this.#record.update(change, Math.max(seen, this.#record.revision))
    if (newer !== undefined && fresh === undefined) {
      const adopted = this.#adopted(newer, run)
      if (adopted !== undefined) return adopted
      // It has expired by now, or is the one that was rejected.
      newer = await this.#record.update(change, undefined)
    }
    // What was issued under a lock that was lost is covered by what is newer.
    const winner = newer === undefined ? undefined : this.#adopted(newer, run)
    const token: AccessToken | undefined = winner ?? fresh
    if (token === undefined || !isNews) throw unchanged()
    return token
  }

  /** The store cannot be reached, and this source needs no lock. */
  async #alone(source: Source, run: Run, error: RefreshError): Promise<AccessToken> {
    const before = this.#record.latest
    const issued = await this.#issue(source, run, before, undefined)
    if (isKnown(issued, run)) throw unchanged()
    this.#record.keep(issued, error)
    return issued
  }

  async #issue(
    source: Source,
    { epoch, until, challenge, signal }: Run,
    before: AccessToken | undefined,
    lock: StoreContext | undefined,
  ): Promise<AccessToken> {
    signal.throwIfAborted()
    const asked = { current: before, challenge, signal }
    const received = await issue(source, asked, this.#settings.clock, until, lock?.confirm).catch(
      (error: unknown) => {
        throw lock?.abandoned === true && isTerminal(error) ? lost(error) : error
      },
    )
    // It belongs to an account that was left meanwhile.
    if (epoch !== this.#epoch()) throw superseded()
    this.#tell({ type: 'issued' })
    return withKept(received, before)
  }

  /** After a terminal failure, or a logout: a person may have logged in elsewhere, even if that token has expired by now. */
  async reread(context: Context): Promise<AccessToken | undefined> {
    const run = this.#run(context)
    const stored = await this.#record.read()
    if (stored?.token === undefined || stored.revision <= this.#record.revision) return undefined
    const adopted = this.#adopted(stored, context)
    const { source } = this.#settings
    if (adopted !== undefined || source === undefined) return adopted
    return this.#exchange(source, run, stored.revision)
  }

  #run(context: Context): Run {
    const { clock, deadline } = this.#settings
    return { ...context, epoch: this.#epoch(), until: clock.now() + deadline }
  }

  /**
   * The stored token, where it is news: its revision is higher than what is known here. That it differs is no reason, for a
   * token that was spent differs, too.
   */
  #adopted(stored: StoredToken | undefined, { current }: Context): AccessToken | undefined {
    if (stored === undefined || stored.revision <= this.#record.revision) return undefined
    const { token, revision } = stored
    if (token === undefined) throw loggedOut()
    const isExpired = (token.expiresAt ?? Infinity) <= this.#settings.clock.now()
    if (isExpired || token.accessToken === current?.value.accessToken) return undefined
    const type = this.#record.revision === 0 && current === undefined ? 'loaded' : 'adopted'
    this.#record.know(stored)
    this.#tell({ type, revision })
    return token
  }

  #tell(event: RefreshEvent): void {
    const { onEvent } = this.#settings.cell
    if (onEvent) tell(onEvent, event)
  }
}

/** The very token that was rejected, or is about to expire. */
function isKnown({ accessToken, expiresAt }: AccessToken, { current, cause }: Context): boolean {
  if (accessToken !== current?.value.accessToken) return false
  return cause === 'rejected' || expiresAt === current.expiresAt
}
