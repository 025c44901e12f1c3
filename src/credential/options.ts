import { Audience } from '../core/audience.ts'
import { COMMON, type CommonOptions, type RefreshableOptions } from '../core/options.ts'
import type { Clock } from '../lib/clock.ts'
import { checkedOptions, describe, either, from, hasMethod } from '../lib/options.ts'
import { memoryStore } from './memory-store.ts'
import type { Source } from './source.ts'
import type { Store } from './store.ts'
import type { AccessToken } from './token.ts'

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
  readonly cell: CommonOptions
}

const METHODS = ['read', 'update', 'replace', 'delete'] as const

/** @throws RefreshError `invalid_option` */
export function readCredentialOptions(options: CredentialOptions): CredentialSettings {
  const { source, store, key, whenStoreIsDown, exitGrace, ...cell } = checkedOptions(options, {
    source: sourceProblem,
    store: storeProblem,
    key: [
      (given: unknown) => (typeof given === 'string' && given !== '' ? undefined : 'must be a name'),
      'default',
    ],
    whenStoreIsDown: either('refuse', 'refresh'),
    exitGrace: [from(0), 10_000],
    ...COMMON,
  })
  const issuer = source === 'store-only' ? undefined : source
  const spends = issuer?.spendsRefreshToken !== false
  return {
    source: issuer,
    store: store ?? memoryStore(),
    key,
    whenStoreIsDown: whenStoreIsDown ?? (spends ? 'refuse' : 'refresh'),
    spends,
    clock: cell.clock,
    deadline: cell.deadline,
    cooldown: cell.cooldown,
    exitGrace,
    audience: new Audience(cell.onEvent, options.key),
    cell,
  }
}

function sourceProblem(source: unknown): string | undefined {
  if (source === 'store-only' || hasMethod(source, 'issue')) return undefined
  return "must be a source, such as oauth({ … }), or 'store-only'"
}

function storeProblem(store: unknown): string | undefined {
  const missing = METHODS.filter((method) => !hasMethod(store, method))
  if (store === undefined || missing.length === 0) return undefined
  const what =
    missing.length === METHODS.length ? `not ${describe(store)}` : `and lacks ${missing.join(', ')}`
  return `must be a store, such as fileStore(), ${what}`
}
