import type { Clock } from '../core/clock.ts'
import { checkOptions, describe, optionError, optionNames, type RefreshableOptions } from '../core/options.ts'
import type { Source } from './source.ts'
import type { Store } from './store.ts'
import { MemoryStore } from './stores/memory.ts'
import type { AccessToken } from './token.ts'

type CellOptions = Omit<RefreshableOptions<AccessToken>, 'refresh' | 'initial' | 'expiresAt' | 'reread'>

/** What goes for one credential and for a pool of them. */
export interface SharedCredentialOptions extends CellOptions {
  /**
   * Where new tokens come from. `'borrow'`: from nowhere; this process never refreshes, it only reads again what others have
   * put into the store.
   */
  source: Source | 'borrow'
  /** Where the token lives, and is shared with other processes and hosts. Default: in this process only. */
  store?: Store | undefined
}

/** How a credential works. */
export interface CredentialOptions extends SharedCredentialOptions {
  /**
   * The account's name in the store. It is no secret.
   * @default 'default'
   */
  key?: string | undefined
}

/** The options with their defaults, checked. */
export interface CredentialSettings {
  /** undefined: it borrows. */
  readonly source: Source | undefined
  readonly store: Store
  readonly key: string
  readonly clock: Clock
  /** ms */
  readonly deadline: number
  readonly cell: CellOptions
}

const KNOWN: readonly string[] = [
  'source',
  'store',
  'key',
  ...optionNames.filter((name) => !['refresh', 'initial', 'expiresAt', 'reread'].includes(name)),
]

/** @throws RefreshError `invalid_option` */
export function readCredentialOptions(options: CredentialOptions): CredentialSettings {
  checkOptions(options, KNOWN)
  const { source, store = new MemoryStore(), key = 'default', ...cell } = options
  if (source !== 'borrow' && typeof source?.issue !== 'function') {
    throw optionError('source', "must be a source, such as oauth({ … }), or 'borrow'")
  }
  if (typeof store?.update !== 'function') {
    throw optionError('store', `must be a store, such as fileStore(), not ${describe(store)}`)
  }
  if (typeof key !== 'string' || key === '') throw optionError('key', 'must be a name')
  const { clock = { now: () => Date.now() }, deadline = 30_000 } = cell
  return { source: source === 'borrow' ? undefined : source, store, key, clock, deadline, cell }
}
