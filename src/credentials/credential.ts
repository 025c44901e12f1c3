import type { RefreshError } from '../core/errors.ts'
import { asRefreshError } from '../core/events.ts'
import { Refreshable } from '../core/refreshable.ts'
import type { Generation, Refresher, RejectionOptions, Snapshot, WaitOptions } from '../core/refresher.ts'
import { type CredentialOptions, type CredentialSettings, readCredentialOptions } from './options.ts'
import { TokenRecord } from './record.ts'
import { Renewal } from './renewal.ts'
import type { CredentialStatus } from './status.ts'
import { type AccessToken, readToken } from './token.ts'

/** A credential that refreshes itself: the refresher that every surface takes. */
export interface Credential extends Refresher<AccessToken> {
  /**
   * A person logged in: the token is in force at once, and outranks a refresh that is under way. Waits until it is stored.
   *
   * @throws RefreshError `store_failed`: it is in force all the same, and is written at the next chance; `invalid_value`
   */
  login(token: AccessToken): Promise<void>
  /**
   * A person logged out: the token is dropped at once, and nothing takes its place until a `login()`, here or in another
   * process that shares the store. Waits until the store knows, and with it the other processes.
   *
   * @throws RefreshError `store_failed`: the others do not know; call it again
   */
  logout(): Promise<void>
  /** How things stand, without secrets. */
  status(): CredentialStatus
}

/**
 * A credential that refreshes itself, once for all callers, processes and hosts that share its store.
 *
 * A new token is stored before it is handed out. Where that fails it is used, kept, and stored at the next chance.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const token = credential({ source: oauth({ issuer, clientId }), store: fileStore(), key: 'me@example.com' })
 * const client = new OpenAI({ apiKey: 'unused', fetch: refreshingFetch(token, { origins: 'https://api.openai.com' }) })
 */
export function credential(options: CredentialOptions): Credential {
  return new StoredCredential(readCredentialOptions(options))
}

/** A credential over a store and a source. */
export class StoredCredential implements Credential {
  readonly #settings: CredentialSettings
  readonly #cell: Refreshable<AccessToken>
  readonly #record: TokenRecord
  readonly #busy: Set<StoredCredential> | undefined
  /** Raised by every login and logout: what began before must not be written after. */
  #epoch = 0
  #running = 0
  #isLoggedOut = false
  /** The store knows: what is in it after that is of a login elsewhere. */
  #isLogoutStored = false
  #refreshedAt: number | undefined
  #failure: { readonly error: RefreshError; readonly at: number } | undefined

  /** @param busy holds it while something of it is under way, or has yet to be stored */
  constructor(settings: CredentialSettings, busy?: Set<StoredCredential>) {
    const { cell, store, key, clock } = settings
    this.#settings = settings
    this.#busy = busy
    this.#record = new TokenRecord(store, key, clock, cell.onEvent, () => this.#hold())
    const renewal = new Renewal(settings, this.#record, () => this.#epoch)
    this.#cell = new Refreshable<AccessToken>({
      ...cell,
      refresh: (context) => this.#noted(renewal.refresh(context)),
      reread: async (context) => {
        if (this.#isLoggedOut && !this.#isLogoutStored) return undefined
        return this.#noted(renewal.reread(context))
      },
      expiresAt: ({ expiresAt }) => expiresAt,
    })
  }

  peek(): Snapshot<AccessToken> | undefined {
    return this.#cell.peek()
  }

  usable(): Snapshot<AccessToken> | undefined {
    return this.#cell.usable()
  }

  snapshot(options?: WaitOptions): Promise<Snapshot<AccessToken>> {
    return this.#cell.snapshot(options)
  }

  refresh(rejected: Generation, options?: RejectionOptions): Promise<Snapshot<AccessToken>> {
    return this.#cell.refresh(rejected, options)
  }

  accepted(snapshot: Generation): void {
    this.#cell.accepted(snapshot)
  }

  map<U>(build: (token: AccessToken) => U | Promise<U>): Refresher<U> {
    return this.#cell.map(build)
  }

  async login(token: AccessToken): Promise<void> {
    const received = readToken(token)
    this.#epoch++
    this.#isLoggedOut = false
    this.#failure = undefined
    const stored = this.#record.replace(received)
    this.#cell.set(received)
    await stored
  }

  async logout(): Promise<void> {
    this.#epoch++
    const epoch = this.#epoch
    this.#isLoggedOut = true
    this.#isLogoutStored = false
    this.#failure = undefined
    const stored = this.#record.delete()
    this.#cell.clear('reread')
    this.#running++
    this.#hold()
    await stored.finally(() => this.#release())
    if (epoch === this.#epoch) this.#isLogoutStored = true
  }

  status(): CredentialStatus {
    const snapshot = this.peek()
    const { error, at = 0 } = this.#failure ?? {}
    return {
      state: this.#state(snapshot, error),
      generation: snapshot?.generation ?? 0,
      expiresAt: snapshot?.expiresAt,
      isRefreshing: this.#running > 0,
      isUnsaved: this.#record.isUnsaved,
      refreshedAt: this.#refreshedAt,
      failure: error && { code: error.code, message: error.message, at },
    }
  }

  #state(
    snapshot: Snapshot<AccessToken> | undefined,
    error: RefreshError | undefined,
  ): CredentialStatus['state'] {
    if (this.#isLoggedOut) return 'logged_out'
    if (error?.terminal === true) return 'reauthentication_required'
    if (snapshot === undefined) return 'empty'
    return (snapshot.expiresAt ?? Infinity) <= this.#settings.clock.now() ? 'expired' : 'valid'
  }

  async #noted<R extends AccessToken | undefined>(running: Promise<R>): Promise<R> {
    const epoch = this.#epoch
    const { clock } = this.#settings
    this.#running++
    this.#hold()
    try {
      const token = await running
      if (token !== undefined && epoch === this.#epoch) {
        this.#isLoggedOut = false
        this.#failure = undefined
        this.#refreshedAt = clock.now()
      }
      return token
    } catch (reason) {
      const error = asRefreshError(reason)
      if (epoch === this.#epoch) this.#failure = { error, at: clock.now() }
      throw error
    } finally {
      this.#release()
    }
  }

  #release(): void {
    this.#running--
    this.#hold()
  }

  #hold(): void {
    if (this.#running > 0 || this.#record.isUnsaved) this.#busy?.add(this)
    else this.#busy?.delete(this)
  }
}
