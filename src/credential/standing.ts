import { asRefreshError } from '../core/events.ts'
import type { Snapshot } from '../core/refresher.ts'
import type { RefreshError } from '../errors.ts'
import { type Clock, monotonic } from '../lib/clock.ts'
import { remembered } from './renewal/failure-memory.ts'
import type { CredentialStatus } from './status.ts'
import type { StoredFailure } from './store.ts'
import type { AccessToken } from './token.ts'

/** The state of a login: the results of its refreshes, logins and logouts in this process. */
export class Standing {
  readonly #clock: Clock
  readonly #onRunning: () => void
  /** Counts logins and logouts: the result of a refresh that began before the last one must not be written. */
  epoch = 0
  /** The refreshes and logouts that run. `isOver`: it was given up, because a platform may have ended its request. */
  readonly #running = new Set<{ readonly isOver: () => boolean }>()
  isLoggedOut = false
  /** True if the store has the logout: then a token that is found there later comes from a login elsewhere. */
  #isLogoutStored = false
  #refreshedAt: number | undefined
  /** The last refresh's failure. */
  failure: { readonly error: RefreshError; readonly at: number } | undefined

  /** @param onRunning called when {@link Standing.isRunning} may have changed */
  constructor(clock: Clock, onRunning: () => void) {
    this.#clock = clock
    this.#onRunning = onRunning
  }

  /** True while a refresh, or the write of a logout, is under way. */
  get isRunning(): boolean {
    for (const each of this.#running) if (each.isOver()) this.#running.delete(each)
    return this.#running.size > 0
  }

  /** True while the store does not have the logout yet. */
  get isLogoutUnderWay(): boolean {
    return this.isLoggedOut && !this.#isLogoutStored
  }

  /**
   * @param isUnsaved true if there is a token that the store does not have
   * @param ended the failure with which another process found that the login had ended
   */
  status(
    snapshot: Snapshot<AccessToken> | undefined,
    isUnsaved: boolean,
    ended: StoredFailure | undefined,
  ): CredentialStatus {
    const { error, at = 0 } = this.failure ?? (ended && { error: remembered(ended), at: ended.at }) ?? {}
    return {
      state: this.#state(snapshot, error),
      generation: snapshot?.generation ?? 0,
      expiresAt: snapshot?.expiresAt,
      isRefreshing: this.isRunning,
      isUnsaved,
      refreshedAt: this.#refreshedAt,
      failure: error && { code: error.code, message: error.message, at },
    }
  }

  /** A login or a logout: forgets what concerns the account before it. */
  leave(isLoggedOut: boolean): void {
    this.epoch++
    this.failure = undefined
    this.isLoggedOut = isLoggedOut
    this.#isLogoutStored = false
  }

  /**
   * Waits until a logout is stored.
   *
   * @param atMost ms after which the logout no longer counts as under way
   */
  async storing(stored: Promise<void>, atMost: number): Promise<void> {
    const { epoch } = this
    const until = monotonic(this.#clock) + atMost
    const ended = this.#began(() => monotonic(this.#clock) >= until)
    await stored.finally(ended)
    if (epoch === this.epoch) this.#isLogoutStored = true
  }

  /**
   * Notes the result of a refresh.
   *
   * @param isOver true if the refresh was given up
   */
  async noted<R extends AccessToken | undefined>(
    running: Promise<R>,
    isOver: () => boolean = () => false,
  ): Promise<R> {
    const epoch = this.epoch
    const ended = this.#began(isOver)
    try {
      const token = await running
      if (token !== undefined && epoch === this.epoch) {
        this.isLoggedOut = false
        this.failure = undefined
        this.#refreshedAt = this.#clock.now()
      }
      return token
    } catch (reason) {
      const error = asRefreshError(reason)
      if (epoch === this.epoch && !this.#outlives(error)) this.failure = { error, at: this.#clock.now() }
      throw error
    } finally {
      ended()
    }
  }

  /** True if a terminal failure is known and this error is not terminal, as while the store is down: then the terminal failure stays. */
  #outlives(error: RefreshError): boolean {
    return this.failure?.error.terminal === true && !error.terminal
  }

  #state(
    snapshot: Snapshot<AccessToken> | undefined,
    failure: RefreshError | undefined,
  ): CredentialStatus['state'] {
    if (this.isLoggedOut) return 'logged_out'
    if (failure?.terminal === true) return 'reauthentication_required'
    if (snapshot === undefined) return 'empty'
    return (snapshot.expiresAt ?? Infinity) <= this.#clock.now() ? 'expired' : 'valid'
  }

  /** Notes work that begins. @returns a function that notes its end */
  #began(isOver: () => boolean): () => void {
    const running = { isOver }
    this.#running.add(running)
    this.#onRunning()
    return () => {
      this.#running.delete(running)
      this.#onRunning()
    }
  }
}
