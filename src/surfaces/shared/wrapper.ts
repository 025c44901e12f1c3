import type { RefreshListener } from '../../core/events.ts'
import { COMMON, type RefreshableOptions } from '../../core/options.ts'
import { Refreshable } from '../../core/refreshable.ts'
import { assertRefresher, type Background, type Refresh, type Refresher } from '../../core/refresher.ts'
import { type RejectionRule, type RejectionRules, rejectionRules } from '../../core/verdict/unauthorized.ts'
import { aFunction, anything, checkedOptions, type OptionTable } from '../../lib/options.ts'

/** Options of a wrapper over a refresher that it shares. */
export interface SharedWrapperOptions {
  /** Receives the events of this wrapper's retries, and of refreshes if the cell is the wrapper's own. */
  onEvent?: RefreshListener | undefined
  /** Changes to what counts as a rejection with a status other than 401. */
  rules?: RejectionRules | undefined
  /** Gets each refresh that a call of this wrapper begins, so that the platform does not cancel it with the request: see {@link Background}. */
  background?: Background | undefined
}

/** Options of a wrapper that makes its own cell: with the cell's options. */
export interface WrapperOptions<T>
  extends
    SharedWrapperOptions,
    Omit<RefreshableOptions<T>, 'refresh' | 'initial' | 'onEvent' | 'background'> {}

/** The parts of a wrapper around something that carries a credential. */
export interface Wrapper<T> {
  readonly refresher: Refresher<T>
  readonly rules: Readonly<Record<string, RejectionRule>>
  readonly onEvent: RefreshListener | undefined
  /** The `background` of the wrapper's calls. A cell of its own has it itself. */
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
 * @param refresh builds a replacement, for a cell of the wrapper's own; or a refresher, to share one
 * @param assert throws for an invalid replacement, which then is not adopted
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
