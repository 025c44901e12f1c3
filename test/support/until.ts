import { vi } from 'vitest'

/** Looks until it is so, at what tells nobody that it has changed. It leaves the machine to others between two looks. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  await vi.waitUntil(isSo, { interval: 20, timeout: 60_000 })
}
