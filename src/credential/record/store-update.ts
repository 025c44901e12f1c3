import { RefreshError } from '../../errors.ts'
import { type Clock, startTimer } from '../../lib/clock.ts'
import type { StoreChange, Store, StoredRecord, UpdateOptions } from '../store.ts'
import { isSame } from '../token.ts'
import { recordInForce } from './given-record.ts'
import { BRIEFLY } from './write.ts'

/** Calls a store's `update()`, and checks the record that it returns. @throws RefreshError `store_invalid`; the store's error */
export async function updateStore(
  { store, key }: { readonly store: Store; readonly key: string },
  change: StoreChange,
  options: UpdateOptions,
): Promise<StoredRecord> {
  return recordInForce(await store.update(key, change, options))
}

/** True if the update has not ended within a second. */
export async function isLate(clock: Clock, updating: Promise<unknown>): Promise<boolean> {
  let stop = (): void => undefined
  const late = new Promise<true>((resolve) => {
    stop = startTimer(clock, BRIEFLY, () => resolve(true))
  })
  const over = updating.then(
    () => false,
    () => false,
  )
  return Promise.race([over, late]).finally(() => stop())
}

/** The error that a caller gets while the write goes on. */
export function slow(): RefreshError {
  return new RefreshError('store_failed', `The store did not take the token within ${BRIEFLY} ms.`)
}

/** True if the record in force still holds the token that the refresh began with, or if there is no record any more. */
export function isFrom(base: StoredRecord, current: StoredRecord | undefined): boolean {
  if (current === undefined || current.revision === 0) return true
  return (base.session ?? 0) === (current.session ?? 0) && isSame(base.token, current.token)
}
