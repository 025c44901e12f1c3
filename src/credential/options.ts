import { Audience } from '../core/audience.ts'
import { optionNames, type RefreshableOptions } from '../core/options.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { checkOptions, describe, milliseconds, optionError } from '../lib/options.ts'
import { memoryStore } from './memory-store.ts'
import type { Source } from './source.ts'
import type { Store } from './store.ts'
import type { AccessToken } from './token.ts'

type CellOptions = Omit<RefreshableOptions<AccessToken>, 'refresh' | 'initial' | 'expiresAt' | 'reread'>

/** The options that a credential and a pool have in common. */
export interface SharedCredentialOptions extends Omit<
  RefreshableOptions<AccessToken>,
  'refresh' | 'initial' | 'expiresAt' | 'reread'
> {
  /**
   * The source of new tokens. `'store-only'`: this process never refreshes; it only reads tokens that other processes write to the store.
   */
  source: Source | 'store-only'
  /** The store that holds the token and shares it with other processes and hosts. Default: this process's memory. */
  store?: Store | undefined
  /**
   * What to do if a caller needs a new token while the store cannot be read or locked. `refuse`: the refresh fails, so that two processes do
   * not redeem the same refresh token. `refresh`: the refresh goes on without the store. A token that is still valid is used in any case.
   *
   * Default: `refuse`; `refresh` if the source says that it spends nothing, such as `oauth` with `client_credentials`.
   */
  whenStoreIsDown?: 'refuse' | 'refresh' | undefined
  /**
   * How long a process that would end stays alive while a token is not stored yet, in ms. 0: the process ends at once. A signal or
   * `process.exit()` ends the process without this wait: call `flush()` before.
   * @default 10_000
   */
  exitGrace?: number | undefined
}

/** Options of a credential. */
export interface CredentialOptions extends SharedCredentialOptions {
  /**
   * The account's name in the store. It is no secret.
   * @default 'default'
   */
  key?: string | undefined
}

/** Options of `flush()`. */
export interface FlushOptions {
  /**
   * How long to wait, in ms.
   * @default 10_000
   */
  readonly timeout?: number | undefined
}

/** The options with their defaults, checked. */
export interface CredentialSettings {
  /** undefined: the option was `'store-only'`. */
  readonly source: Source | undefined
  readonly store: Store
  readonly key: string
  readonly whenStoreIsDown: 'refuse' | 'refresh'
  /** True if issuing spends something that must not be spent twice, such as a refresh token. */
  readonly spends: boolean
  readonly clock: Clock
  /** ms */
  readonly deadline: number
  /** ms */
  readonly cooldown: number
  /** ms */
  readonly exitGrace: number
  /** The owner of the source. A surface that serves this owner does not handle the source's requests. */
  readonly owner?: object | undefined
  /** Called with a challenge whose demand the token endpoint refused. */
  readonly onChallengeRefused?: ((challenge: string) => void) | undefined
  readonly audience: Audience
  readonly cell: CellOptions
}

const METHODS = ['read', 'update', 'replace', 'delete'] as const

function knownNames(): readonly string[] {
  const cell = optionNames.filter((name) => !['refresh', 'initial', 'expiresAt', 'reread'].includes(name))
  return ['source', 'store', 'key', 'whenStoreIsDown', 'exitGrace', ...cell]
}

/** @throws RefreshError `invalid_option` */
export function readCredentialOptions(options: CredentialOptions): CredentialSettings {
  checkOptions(options, knownNames())
  const {
    source,
    store = memoryStore(),
    key = 'default',
    whenStoreIsDown,
    exitGrace = 10_000,
    ...cell
  } = options
  if (source !== 'store-only' && typeof source?.issue !== 'function') {
    throw optionError('source', "must be a source, such as oauth({ … }), or 'store-only'")
  }
  const missing = METHODS.filter((method) => typeof Reflect.get(Object(store), method) !== 'function')
  if (missing.length > 0) {
    const what =
      missing.length === METHODS.length ? `not ${describe(store)}` : `and lacks ${missing.join(', ')}`
    throw optionError('store', `must be a store, such as fileStore(), ${what}`)
  }
  if (typeof key !== 'string' || key === '') throw optionError('key', 'must be a name')
  if (whenStoreIsDown !== undefined && whenStoreIsDown !== 'refuse' && whenStoreIsDown !== 'refresh') {
    throw optionError('whenStoreIsDown', "must be 'refuse' or 'refresh'")
  }
  const { clock = platformClock, deadline = 30_000, cooldown = 1_000 } = cell
  const issuer = source === 'store-only' ? undefined : source
  const spends = issuer?.spendsRefreshToken !== false
  return {
    source: issuer,
    store,
    key,
    whenStoreIsDown: whenStoreIsDown ?? (spends ? 'refuse' : 'refresh'),
    spends,
    clock,
    deadline,
    cooldown,
    exitGrace: milliseconds('exitGrace', exitGrace, 0),
    audience: new Audience(cell.onEvent, options.key),
    cell,
  }
}
