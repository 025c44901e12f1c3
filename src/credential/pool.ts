import { keepLast } from '../core/keep-last.ts'
import { optionError } from '../lib/options.ts'
import { printAs } from '../lib/print/print-as.ts'
import type { Credential } from './contract.ts'
import { StoredCredential } from './credential.ts'
import {
  type CredentialSettings,
  type FlushOptions,
  readCredentialOptions,
  type SharedCredentialOptions,
} from './options.ts'

/** Options of a pool. */
export interface CredentialPoolOptions extends SharedCredentialOptions {
  /**
   * How many credentials the pool keeps although no caller holds them: the last used ones. If a caller asks for another one, the pool makes
   * it anew, and it reads its token from the store.
   * @default 1_000
   */
  idle?: number | undefined
}

/** The credentials of many accounts, such as the users of a server. */
export interface CredentialPool {
  /** The credential of an account: the same one for all callers while any of them holds it. */
  get(key: string): Credential
  /** The number of credentials in memory. */
  readonly size: number
  /**
   * Waits until every token of every account is stored. Call it before the process ends.
   *
   * @throws RefreshError `store_failed` when `timeout` ms have passed; `invalid_option`
   */
  flush(options?: FlushOptions): Promise<void>
}

/**
 * Holds one credential per account over one store. It makes a credential when a caller first asks for it, and discards it when no caller
 * holds it.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const accounts = createCredentialPool({ source: oauth({ issuer, clientId }), store: postgresStore(pool) })
 * const token = accounts.get(user.id)
 */
export function createCredentialPool(options: CredentialPoolOptions): CredentialPool {
  const { idle = 1_000, ...shared } = options
  if (!Number.isInteger(idle) || idle < 0) throw optionError('idle', 'must be a whole number from 0')
  if ('key' in shared) throw optionError('key', 'must be given to get()')
  const { store } = readCredentialOptions(shared)
  return new Pool((key) => readCredentialOptions({ ...shared, store, key }), idle)
}

class Pool implements CredentialPool {
  readonly #settings: (key: string) => CredentialSettings
  readonly #idle: number
  readonly #known = new Map<string, Pick<WeakRef<StoredCredential>, 'deref'>>()
  /** The last used credentials; the one that was used longest ago comes first. */
  readonly #recent = new Map<string, StoredCredential>()
  /** Credentials with a refresh that runs or a token that is not stored yet: they stay although no caller holds them. */
  readonly #busy = new Set<StoredCredential>()
  /** Removes the entries of garbage-collected credentials. A platform without this class keeps an entry until a caller asks for its key. */
  readonly #gone =
    typeof FinalizationRegistry === 'function'
      ? new FinalizationRegistry<string>((key) => {
          // A caller may have made a new credential for this key.
          if (this.#known.get(key)?.deref() === undefined) this.#known.delete(key)
        })
      : undefined

  constructor(settings: (key: string) => CredentialSettings, idle: number) {
    this.#settings = settings
    this.#idle = idle
    printAs(this, 'CredentialPool', () => ({ size: this.size }))
  }

  get size(): number {
    return this.#known.size
  }

  get(key: string): Credential {
    const found = this.#known.get(key)?.deref() ?? this.#make(key)
    this.#recent.delete(key)
    this.#recent.set(key, found)
    keepLast(this.#recent, this.#idle)
    return found
  }

  async flush(options?: FlushOptions): Promise<void> {
    await Promise.all(Array.from(this.#busy, (each) => each.flush(options)))
  }

  #make(key: string): StoredCredential {
    const made = new StoredCredential(this.#settings(key), this.#busy)
    this.#known.set(key, typeof WeakRef === 'function' ? new WeakRef(made) : { deref: () => made })
    this.#gone?.register(made, key)
    return made
  }
}
