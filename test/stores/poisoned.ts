import { expect } from 'vitest'
import type { LeaseTable } from '../../src/stores/shared/lease-table.ts'

/** Nothing is done over numbers that are none: each operation says what is wrong, and changes nothing. */
export async function refusesAll(
  table: LeaseTable,
  key: string,
  kept: () => Promise<unknown>,
  shown: RegExp,
): Promise<void> {
  const before = await kept()
  const operations: [string, () => Promise<unknown>][] = [
    ['read', () => table.read(key)],
    ['take', () => table.take(key, 'a', undefined, true)],
    ['take', () => table.take(key, 'holder', 7, false)],
    ['extend', () => table.extend(key, 'holder', 7)],
    ['write', () => table.write(key, 'holder', { revision: 9, text: 'new' })],
    ['swap', () => table.swap(key, 0, 'new')],
  ]
  for (const [name, operation] of operations) {
    await expect(operation(), name).rejects.toMatchObject({
      code: 'store_invalid',
      message: expect.stringMatching(shown),
    })
    expect(await kept(), name).toEqual(before)
  }
}
