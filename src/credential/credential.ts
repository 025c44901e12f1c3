import type { Audience } from '../core/audience.ts'
import { keepLast } from '../core/keep-last.ts'
import type { RefreshableOptions } from '../core/options.ts'
import { Refreshable } from '../core/refreshable.ts'
import type { Generation, Refresher, RejectionOptions, Snapshot, WaitOptions } from '../core/refresher.ts'
import type { Clock } from '../lib/clock.ts'
import { checked, from } from '../lib/options.ts'
import { printAs } from '../lib/print/print-as.ts'
import { type AccessTokenOptions, TokenGiver } from './access-token.ts'
import { check, type CheckResult } from './check.ts'
import type { Credential } from './contract.ts'
import { findingsOf } from './findings-of.ts'
import {
  type CredentialOptions,
  type CredentialSettings,
  type FlushOptions,
  readCredentialOptions,
} from './options.ts'
import { challengeRefused } from './record/failures.ts'
import { MOST } from './record/observed-change.ts'
import { TokenRecord } from './record/token-record.ts'
import { Demands } from './renewal/demands.ts'
import { Renewal } from './renewal/renewal.ts'
import { Standing } from './standing.ts'
import type { CredentialStatus } from './status.ts'
import { type AccessToken, expiryOf } from './token.ts'
import { readLogin } from './token/login.ts'
import type { TokenResponse } from './token/token-response.ts'

/**
 * A credential that refreshes itself, once for all callers, processes and hosts that share its store.
 *
 * The credential stores a new token before callers get it. If storing takes longer than a second, callers get the token, and the credential
 * tries to write it until the store takes it. Until then our own stores keep the lock, so that no other process redeems the spent token.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const credential = createCredential({ source: oauth({ issuer, clientId }), store: fileStore(), key: 'me@example.com' })
 * const client = new OpenAI({ apiKey: 'unused', fetch: refreshingFetch(credential, { origins: 'https://api.openai.com' }) })
 */
export function createCredential(options: CredentialOptions): Credential {
  return new StoredCredential(readCredentialOptions(options))
}

/** The credential remembers this many challenges. */
const MOST_REFUSED = 16

/** A credential over a store and a source. */
export class StoredCredential implements Credential {
  readonly #settings: CredentialSettings
  readonly #cell: Refreshable<AccessToken>
  readonly #record: TokenRecord
  readonly #renewal: Renewal
  readonly #giver: TokenGiver
  readonly #standing: Standing
  readonly #busy: Set<StoredCredential> | undefined
  /** Challenges whose demand the token endpoint refused: another refresh for them would not help. */
  readonly #refused = new Set<string>()
  readonly #demands: Demands
  #hasFound = false

  /** @param busy holds this credential in memory while a refresh runs or a token is not stored yet */
  constructor(given: CredentialSettings, busy?: Set<StoredCredential>) {
    const onChallengeRefused = (challenge: string): void =>
      keepLast(this.#refused.add(challenge), MOST_REFUSED)
    const settings: CredentialSettings = { ...given, owner: this, onChallengeRefused }
    const { cell, clock, spends } = settings
    this.#settings = settings
    this.#busy = busy
    this.#standing = new Standing(clock, () => this.#hold())
    this.#record = new TokenRecord({ ...settings, onUnsaved: () => this.#hold() })
    this.#renewal = new Renewal(settings, this.#record, () => this.#standing.epoch)
    const options: RefreshableOptions<AccessToken> = {
      ...cell,
      refresh: async (context) => {
        try {
          return await this.#noted(this.#renewal.refresh(context), context.isOver)
        } catch (error) {
          const late = this.#renewal.late(context)
          if (late === undefined) throw error
          return late
        }
      },
      reread: async (context) => {
        if (this.#standing.isLogoutUnderWay) return undefined
        return this.#noted(this.#renewal.reread(context), context.isOver)
      },
      expiresAt: expiryOf,
    }
    this.#cell = new Refreshable(options, {
      spends,
      // The token of a file, a variable, a helper or the store may change at any moment, and a look costs little.
      looksOften: !spends || settings.source === undefined || settings.source.isLocal === true,
      owner: this,
      audience: settings.audience,
      demand: (...demand) => this.#demands.demand(...demand),
      settled: () => this.#record.saved(),
    })
    this.#demands = new Demands(settings.source, this.#cell, settings.audience)
    this.#giver = new TokenGiver(
      this.#cell,
      clock,
      () => this.#standing.failure?.error,
      ({ accessToken }) => this.#renewal.lastIssued === accessToken,
    )
    printAs(this, 'Credential', () => this.status())
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
    const isVain =
      this.#refused.has(options?.challenge ?? '') && rejected.generation >= (this.peek()?.generation ?? 0)
    if (!isVain) return this.#cell.refresh(rejected, options)
    this.audience.tell({ type: 'challenge_refused' })
    return Promise.reject(challengeRefused())
  }

  demand(...demand: Parameters<Demands['demand']>): Promise<Snapshot<AccessToken> | undefined> {
    return this.#demands.demand(...demand)
  }

  accepted(snapshot: Generation, endpoint?: string): void {
    this.#cell.accepted(snapshot, endpoint)
  }

  stillRejected(snapshot: Generation, endpoint?: string): void {
    this.#cell.stillRejected(snapshot, endpoint)
  }

  get owner(): object {
    return this
  }

  /** @internal */
  get audience(): Audience {
    return this.#settings.audience
  }

  map<U>(build: (token: AccessToken) => U | Promise<U>): Refresher<U> {
    return this.#cell.map(build)
  }

  accessToken(options?: AccessTokenOptions): Promise<string> {
    return this.#giver.give(options)
  }

  async login(given: AccessToken | TokenResponse): Promise<void> {
    const received = readLogin(given, this.#settings.clock.now())
    this.#settings.source?.assertOwn?.(received)
    this.#leave(false)
    const stored = this.#record.login(received, this.#settings.source?.madeFor)
    this.#cell.set(received)
    await stored
  }

  async logout(): Promise<void> {
    this.#leave(true)
    const stored = this.#record.logout()
    this.#cell.clear('reread')
    await this.#standing.storing(stored, MOST * this.#settings.deadline)
  }

  check(): Promise<CheckResult> {
    return check({
      ...this.#settings,
      record: this.#record,
      peek: () => this.peek(),
      status: () => this.status(),
      refresh: () => this.#cell.retryNow(),
    })
  }

  async flush({ timeout = 10_000 }: FlushOptions = {}): Promise<void> {
    await this.#record.flush(checked('timeout', timeout, from(0)))
  }

  status(): CredentialStatus {
    return this.#standing.status(this.peek(), this.#record.isUnsaved, this.#record.ended)
  }

  /** @internal A surface may respond at once if the login is known to have ended. */
  isDead(): boolean {
    return this.#standing.failure?.error.terminal === true
  }

  /** @internal */
  renew(than: Generation, options?: WaitOptions): Promise<Snapshot<AccessToken>> {
    return this.#cell.renew(than, options)
  }

  /** @internal */
  get clock(): Clock {
    return this.#settings.clock
  }

  /** A login or a logout: forgets all that concerns the account before it. */
  #leave(isLoggedOut: boolean): void {
    this.#standing.leave(isLoggedOut)
    this.#refused.clear()
    this.#demands.clear()
    this.#renewal.forgetFailures()
    this.#find()
  }

  #noted<R extends AccessToken | undefined>(
    running: Promise<R>,
    isOver: (() => boolean) | undefined,
  ): Promise<R> {
    const noted = this.#standing.noted(running, isOver)
    this.#find()
    return noted
  }

  /** Reports once the findings about the store's configuration. */
  #find(): void {
    if (this.#hasFound) return
    this.#hasFound = true
    for (const finding of findingsOf(this.#settings.store)) this.audience.tell({ type: 'finding', finding })
  }

  #hold(): void {
    if (this.#standing.isRunning || this.#record.isUnsaved) this.#busy?.add(this)
    else this.#busy?.delete(this)
  }
}
