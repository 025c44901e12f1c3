import type { Store } from '../credential/store.ts'
import { replaceCases } from './replace-cases.ts'
import { cases, type Stores } from './store-cases.ts'

/** One requirement that every store must meet. */
export interface ContractCase {
  readonly name: string
  /**
   * Runs the case.
   *
   * @throws Error if the store does not meet the requirement. The message has the expected and the actual result
   */
  run(): Promise<void>
}

/**
 * The requirements that every store must meet, as cases for any test runner.
 *
 * Each case uses its own keys, and leaves its records in the store.
 *
 * @param open opens the store as another process would, at each call. All opened stores share their records
 * @example
 * import { test } from 'node:test'
 * for (const { name, run } of storeContract(() => myStore({ url }))) test(name, run)
 */
export function storeContract(open: () => Store | Promise<Store>): ContractCase[] {
  return [...cases, ...replaceCases].map(({ name, run }) => ({
    name,
    run: async () => {
      const key = `contract ${globalThis.crypto.randomUUID()}`
      const stores: Stores = { one: await open(), other: await open(), key }
      await run(stores)
    },
  }))
}
