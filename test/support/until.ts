import { vi } from 'vitest'

/** Polls every 20 ms until `isSo` resolves to true. Use it only for a state that sends no event. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  await vi.waitUntil(isSo, { interval: 20, timeout: 60_000 })
}
