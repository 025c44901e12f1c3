import { asRefreshError, type Finding } from '../../core/events.ts'
import type { RefreshContext } from '../../core/refresher.ts'
import type { RefreshError } from '../../errors.ts'
import { throwIfAborted } from '../../lib/abortable.ts'
import type { CredentialSettings } from '../options.ts'
import { cameLate, isOutage, isTerminal, nothingNewer, superseded, unchanged } from '../record/failures.ts'
import type { TokenRecord } from '../record/token-record.ts'
import type { StoreChange, StoreContext, StoredRecord, UpdateOptions } from '../store.ts'
import { type AccessToken, expiryOf, isSame } from '../token.ts'
import { NONE } from '../tombstone.ts'
import { adopt, tokenBefore } from './adoption.ts'
import { FailureMemory } from './failure-memory.ts'
import { updateAgain } from './lost-lock.ts'
import { type Redeemed, Redemption } from './redemption.ts'

type Context = RefreshContext<AccessToken>

/** One refresh. */
interface Run extends Context {
  /** The count of this process's logins and logouts when the refresh began. */
  readonly epoch: number
  /** epoch ms: no try begins later. A wait in a queue starts the time anew. */
  until: number
  readonly context: Context
}

/** One refresh of a token that other processes may share: adopt a stored token, else redeem, write and return a new one. */
export class Renewal {
  /** The access token that the source issued last. */
  lastIssued: string | undefined
  readonly #settings: CredentialSettings
  readonly #record: TokenRecord
  readonly #epoch: () => number
  readonly #memory: FailureMemory
  readonly #redemption: Redemption | undefined
  readonly #late = new WeakMap<Context, Promise<AccessToken>>()

  /** @param epoch counts logins and logouts: the result of a refresh that began before the last one must not be written */
  constructor(settings: CredentialSettings, record: TokenRecord, epoch: () => number) {
    const { source, clock, cooldown, spends } = settings
    this.#settings = settings
    this.#record = record
    this.#epoch = epoch
    this.#memory = new FailureMemory(clock, cooldown, spends && source?.isLocal !== true)
    this.#redemption = source && new Redemption(source, settings, this.#memory)
  }

  /** A login or a logout. */
  forgetFailures(): void {
    this.#memory.forget()
  }

  /**
   * The token that the source may still bring after its refresh was given up. It may be the only copy of a rotated token. undefined if the
   * source brings none. The promise may never settle.
   */
  late(context: Context): Promise<AccessToken> | undefined {
    return this.#late.get(context)
  }

  /** Writes an unsaved token first, then adopts a newer token from the store. Only if there is none, the source issues a token. */
  async refresh(context: Context): Promise<AccessToken> {
    const run = this.#run(context)
    const { source, whenStoreIsDown } = this.#settings
    try {
      if (source?.isStatic === true) return await this.#compare(run)
      await this.#record.save()
      // If the store cannot be reached, this read fails at once, where an update would wait for the lock.
      const stored = await this.#record.read(run.queued)
      const adopted = this.#adopted(stored, context)
      if (adopted !== undefined) return adopted
      if (source === undefined) throw nothingNewer(stored)
      const refusal = await this.#refusal(stored, run)
      if (refusal !== undefined) throw refusal
      return await this.#exchange(run, stored?.revision)
    } catch (error) {
      if (source !== undefined && whenStoreIsDown === 'refresh' && isOutage(error))
        return this.#alone(run, error)
      // A terminal failure may mean that another process redeemed the same refresh token. Then its new token is in the store.
      const mayLook = isTerminal(error) && run.epoch === this.#epoch()
      const look = async (): Promise<AccessToken | undefined> =>
        this.#adopted(await this.#record.read(), context)
      const winner = mayLook ? await look().catch(() => undefined) : undefined
      if (winner === undefined) throw error
      return winner
    }
  }

  /**
   * Looks again after a terminal failure or a logout: a person may have logged in elsewhere, or the refused secret may have changed. If the
   * token of that login has expired by now, or the secret has changed, it refreshes.
   */
  async reread(context: Context): Promise<AccessToken | undefined> {
    const run = this.#run(context)
    const stored = await this.#record.read(run.queued)
    if (stored?.token === undefined && stored?.failure === undefined) return undefined
    const adopted = this.#adopted(stored, context)
    if (adopted !== undefined || this.#redemption === undefined) return adopted
    if ((await this.#refusal(stored, run)) !== undefined) return undefined
    return this.#exchange(run, stored?.revision)
  }

  #adopted(stored: StoredRecord | undefined, context: Context): AccessToken | undefined {
    const adopted = adopt(this.#settings, this.#record, stored, context)
    if (adopted !== undefined) this.#memory.forget()
    return adopted
  }

  async #refusal(stored: StoredRecord | undefined, run: Run): Promise<RefreshError | undefined> {
    if (run.isRetry === true) return undefined
    return this.#redemption?.refusal(stored, tokenBefore(this.#record, stored), run.signal)
  }

  /** Redeems under the lock. @param seen the revision that this process has just read */
  async #exchange(run: Run, seen = 0): Promise<AccessToken> {
    let [fresh, isNews]: [AccessToken | undefined, boolean] = [undefined, true]
    let redeemed: Redeemed | undefined
    const change: StoreChange = async (stored, lock) => {
      // If a person logged in while this process waited for the lock, it must not redeem the refresh token of that login.
      if (run.epoch !== this.#epoch()) throw superseded()
      throwIfAborted(run.signal)
      fresh = this.#adopted(stored, run)
      if (fresh !== undefined) return undefined
      redeemed = await this.#redeem(stored, run, lock)
      fresh = redeemed.token
      if (fresh === undefined) {
        if (redeemed.content === undefined) throw redeemed.error
        if (isSame(redeemed.content.token, stored?.token)) lock.mayBeLost?.()
        return redeemed.content
      }
      isNews = !isKnown(fresh, run)
      return isNews || !isSame(fresh, tokenBefore(this.#record, stored)) ? redeemed.content : undefined
    }
    const isLost = (): boolean => redeemed?.isLockLost === true
    const update = (known: number | undefined): Promise<StoredRecord | undefined> => {
      const once = (): Promise<StoredRecord | undefined> => {
        redeemed = undefined
        return this.#record.update(change, this.#updating(run, known))
      }
      return updateAgain(once, isLost, this.#settings.clock, run)
    }
    let newer = await update(Math.max(seen, this.#record.revision))
    if (newer !== undefined && fresh === undefined && redeemed === undefined) {
      const adopted = this.#adopted(newer, run)
      if (adopted !== undefined) return adopted
      // Another process wrote first, but its token cannot be adopted: it has expired, or is the rejected one. So redeem after all.
      newer = await update(undefined)
    }
    // If this process lost its lock, a newer record may outrank the token that was issued under it.
    const winner = this.#adopted(newer, run)
    if (winner !== undefined) return winner
    if (redeemed?.error !== undefined) throw asRefreshError(redeemed.error)
    if (fresh === undefined || !isNews) throw unchanged()
    return fresh
  }

  async #redeem(
    stored: StoredRecord | undefined,
    run: Run,
    lock: StoreContext | undefined,
  ): Promise<Redeemed> {
    if (this.#redemption === undefined) throw nothingNewer(stored)
    const left = (run.current?.expiresAt ?? 0) - this.#settings.clock.now()
    const redeemed = await this.#redemption.redeem(stored, lock, {
      ...run,
      before: tokenBefore(this.#record, stored),
      stillGood: run.cause === 'expiring' && left > 0 ? left : undefined,
      onLate: (late) => this.#expect(run, stored, late),
    })
    // A login or a logout came meanwhile, so this token belongs to the account before it.
    if (run.epoch !== this.#epoch()) throw superseded()
    if (redeemed.token !== undefined) this.#issued(redeemed.token)
    return redeemed
  }

  /** Keeps the token that the source still brings after its signal aborted: it may be the only copy of a rotated token. */
  #expect(run: Run, stored: StoredRecord | undefined, late: Promise<AccessToken>): void {
    const kept = late.then((token) => {
      if (run.epoch !== this.#epoch()) throw superseded()
      const given = this.#redemption?.kept(stored, token, tokenBefore(this.#record, stored))
      this.#issued(token)
      // The record holds the login of another configuration, and stays.
      if (given === undefined) return token
      this.#record.keep(given, stored ?? NONE, cameLate())
      this.#record.save().catch(() => undefined)
      return given.token ?? token
    })
    kept.catch(() => undefined)
    this.#late.set(run.context, kept)
  }

  /** For a value of this machine, such as a file: it reads the value and compares it with the one in force, and never stores it. */
  async #compare(run: Run): Promise<AccessToken> {
    const redeemed = await this.#redeem(undefined, run, undefined)
    if (redeemed.token === undefined) throw redeemed.error
    if (isKnown(redeemed.token, run)) throw unchanged()
    return redeemed.token
  }

  /** Refreshes without the store, which cannot be reached: the option `whenStoreIsDown` allows it. */
  async #alone(run: Run, error: RefreshError): Promise<AccessToken> {
    const { content, token, error: failure } = await this.#redeem(undefined, run, undefined)
    if (token === undefined) throw failure
    if (isKnown(token, run)) throw unchanged()
    this.#record.keep(content ?? { token }, undefined, error)
    return token
  }

  #issued(token: AccessToken): void {
    const { audience } = this.#settings
    this.lastIssued = token.accessToken
    audience.tell({ type: 'issued' })
    const { tokenType = 'Bearer' } = token
    if (!/^bearer$/i.test(tokenType)) audience.tell({ type: 'finding', finding: ODD_TYPE })
  }

  #updating({ signal, queued, isOver }: Run, known: number | undefined): UpdateOptions {
    const { deadline, spends } = this.#settings
    return {
      known,
      signal,
      isOver,
      deadline,
      isBrief: !spends,
      onNews: (news) => {
        if (news === 'queued' || news === 'admitted') queued?.(news === 'queued')
      },
    }
  }

  #run(context: Context): Run {
    const { clock, deadline } = this.#settings
    const run: Run = {
      ...context,
      context,
      epoch: this.#epoch(),
      until: clock.now() + deadline,
      queued: (isWaiting) => {
        run.until = clock.now() + deadline
        context.queued?.(isWaiting)
      },
    }
    return run
  }
}

/** True if the source gave the same token again that was rejected or that expires. */
function isKnown(token: AccessToken, { current, cause }: Context): boolean {
  if (token.accessToken !== current?.value.accessToken) return false
  return cause === 'rejected' || expiryOf(token) === current.expiresAt
}

/** The message does not show the token's type, because a server may write the token itself there. */
const ODD_TYPE: Finding = {
  code: 'token_type_not_bearer',
  level: 'warning',
  message: 'The source gave a token whose type is not Bearer: it is sent as a bearer token.',
  fix: 'If it is rejected, ask the server for bearer tokens.',
}
