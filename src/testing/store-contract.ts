import type { Store } from '../credential/store.ts'
import { replaceCases } from './replace-cases.ts'
import { cases, type Stores } from './store-cases.ts'

/** One thing that every store must do. */
export interface ContractCase {
  readonly name: string
  /** Rejects where the store does not do it; what it says tells what was expected, and what came. */
  run(): Promise<void>
}

/**
 * What every store must do, as cases for any test runner.
 *
 * Each case uses keys of its own, and leaves what it wrote under them.
 *
 * @param open gives a store each time, as another process would open it: all of them share what is stored
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
