import type { RefreshEvent } from '../../core/events.ts'
import type { RefreshContext } from '../../core/refresher.ts'
import type { CredentialSettings } from '../options.ts'
import { loggedOut } from '../record/failures.ts'
import type { TokenRecord } from '../record/token-record.ts'
import type { StoredRecord } from '../store.ts'
import { type AccessToken, expiryOf } from '../token.ts'
import { isSendable } from '../token/usable-token.ts'
import type { FailureMemory } from './failure-memory.ts'
import { fitOf } from './made-for.ts'

/** Takes over what other processes have put into the store, where it is news and may be sent. */
export class Adoption {
  readonly #settings: CredentialSettings
  readonly #record: TokenRecord
  readonly #memory: FailureMemory
  readonly #tell: (event: RefreshEvent) => void

  constructor(
    settings: CredentialSettings,
    record: TokenRecord,
    memory: FailureMemory,
    tell: (event: RefreshEvent) => void,
  ) {
    this.#settings = settings
    this.#record = record
    this.#memory = memory
    this.#tell = tell
  }

  /**
   * The stored token, where it is news: its revision is higher than the last one known here. Comparing tokens is not enough: an already
   * redeemed token also differs from ours.
   */
  adopted(
    stored: StoredRecord | undefined,
    { current }: RefreshContext<AccessToken>,
  ): AccessToken | undefined {
    if (stored === undefined || stored.revision <= this.#record.revision) return undefined
    const { token, revision, failure } = stored
    if (token === undefined) {
      if (failure === undefined) throw loggedOut()
      return undefined
    }
    const isExpired = (expiryOf(token) ?? Infinity) <= this.#settings.clock.now()
    if (isExpired || !isSendable(token) || token.accessToken === current?.value.accessToken) return undefined
    if (fitOf(stored, this.#settings.source?.madeFor) !== 'same') return undefined
    const type = this.#record.revision === 0 && current === undefined ? 'loaded' : 'adopted'
    this.#record.know(stored)
    this.#memory.forget()
    this.#tell({ type, revision })
    return token
  }

  /** The token to replace: the stored one where it is news, else the last one known here. */
  before(stored: StoredRecord | undefined): AccessToken | undefined {
    const isNewer = stored !== undefined && stored.revision > this.#record.revision
    return isNewer ? stored.token : (this.#record.latest ?? stored?.token)
  }
}
