import type { RefreshListener } from '../../core/events.ts'
import { COMMON, type RefreshableOptions } from '../../core/options.ts'
import { Refreshable } from '../../core/refreshable.ts'
import { assertRefresher, type Background, type Refresh, type Refresher } from '../../core/refresher.ts'
import { type RejectionRule, type RejectionRules, rejectionRules } from '../../core/verdict/unauthorized.ts'
import { aFunction, anything, checkedOptions, type OptionTable } from '../../lib/options.ts'

/** Options of a wrapper that shares a refresher. */
export interface SharedWrapperOptions {
  /**
   * Receives the events of this wrapper's retries. If the wrapper makes its own cell, it also receives the events of the refreshes.
   * @default none
   */
  onEvent?: RefreshListener | undefined
  /**
   * Changes to what counts as a rejection if the status is not 401.
   * @default no changes
   */
  rules?: RejectionRules | undefined
  /**
   * Receives each refresh that a call of this wrapper begins, so that the platform does not cancel the refresh with the request: see
   * {@link Background}.
   * @default none
   */
  background?: Background | undefined
}

/** Options of a wrapper that makes its own cell. The cell's options belong to them. */
export interface WrapperOptions<T>
  extends
    SharedWrapperOptions,
    Omit<RefreshableOptions<T>, 'refresh' | 'initial' | 'onEvent' | 'background'> {}

/** The parts of a wrapper around something that carries a credential. */
export interface Wrapper<T> {
  readonly refresher: Refresher<T>
  readonly rules: Readonly<Record<string, RejectionRule>>
  readonly onEvent: RefreshListener | undefined
  /** The `background` for the wrapper's calls. undefined if the wrapper has its own cell, which has it already. */
  readonly background: Background | undefined
}

const SHARED: OptionTable<SharedWrapperOptions> = {
  onEvent: aFunction,
  rules: anything,
  background: aFunction,
}
const OWN = {
  expiresAt: aFunction,
  reread: aFunction,
  ...COMMON,
  rules: anything,
} satisfies OptionTable<WrapperOptions<unknown>>

/**
 * Reads the options of a wrapper, and makes its cell if it does not share a refresher.
 *
 * @param refresh builds a replacement, for a cell of its own; or a refresher, to share one
 * @param assert throws for an invalid replacement, which the cell then does not adopt
 */
export function readWrapper<T>(
  initial: T,
  refresh: Refresh<T> | Refresher<T>,
  options: WrapperOptions<T>,
  assert: (fresh: T) => void,
): Wrapper<T> {
  const isShared = typeof refresh !== 'function'
  const shared: SharedWrapperOptions = options
  if (isShared) checkedOptions(shared, SHARED)
  else checkedOptions(options, OWN)
  const { rules, ...rest } = options
  const { onEvent, background } = rest
  return {
    refresher: isShared ? assertRefresher(refresh) : ownCell(initial, refresh, rest, assert),
    rules: rejectionRules(rules),
    onEvent,
    background: isShared ? background : undefined,
  }
}

function ownCell<T>(
  initial: T,
  refresh: Refresh<T>,
  options: Omit<WrapperOptions<T>, 'rules'>,
  assert: (fresh: T) => void,
): Refreshable<T> {
  return new Refreshable<T>({
    ...options,
    initial,
    refresh: async (context) => {
      const fresh = await refresh(context)
      assert(fresh)
      return fresh
    },
  })
}
