import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import type { Store } from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { sealedStore } from '../../src/stores/sealed/index.ts'
import { storeContract } from '../../src/testing/index.ts'

const path = await mkdtemp(join(tmpdir(), 'llm-refresh-test-'))
afterAll(() => rm(path, { recursive: true, force: true }))

const [memory, hidden] = [new MemoryStore(), new MemoryStore()]
const keys = [{ id: 'one', secret: crypto.getRandomValues(new Uint8Array(32)) }]
const stores: [string, () => Store][] = [
  ['memory', () => memory],
  ['files', () => fileStore({ path })],
  ['memory, sealed', () => sealedStore(hidden, keys)],
  ['files, sealed', () => sealedStore(fileStore({ path }), keys)],
]

describe.each(stores)('a store in %s', (_, open) => {
  for (const { name, run } of storeContract(open))
    test(`[S2] ${name}`, () => expect(run()).resolves.toBeUndefined())
})

describe('the contract fails a store that', () => {
  const faulty = (change: (store: MemoryStore) => Partial<Store>): (() => Store) => {
    const store = new MemoryStore()
    const methods: Store = {
      read: store.read.bind(store),
      update: store.update.bind(store),
      replace: store.replace.bind(store),
      delete: store.delete.bind(store),
    }
    const changed = { ...methods, ...change(store) }
    return () => changed
  }
  const faults: [string, () => Store][] = [
    ['is not shared', () => new MemoryStore()],
    ['forgets deletes', faulty(() => ({ delete: async () => undefined }))],
    [
      'does not lock',
      faulty((store) => ({
        update: async (key, change) => {
          const { signal } = new AbortController()
          const content = await change(await store.read(key), { signal, abandoned: false })
          return store.update(key, async () => content)
        },
      })),
    ],
    [
      'locks all keys at once',
      faulty((store) => {
        const inner: Store['update'] = store.update.bind(store)
        const all = new MemoryStore()
        return {
          update: async (key, change) => {
            let result = { token: undefined, revision: 0 } as Awaited<ReturnType<Store['update']>>
            await all.update('all', async () => {
              result = await inner(key, change)
              return undefined
            })
            return result
          },
        }
      }),
    ],
    [
      'replaces under the lock',
      faulty((store) => ({
        replace: (key, change) => store.update(key, async (current) => change(current)),
      })),
    ],
    [
      'lets a holder replace a login with its late write',
      faulty((store) => ({
        update: async (key, change) => {
          const { signal } = new AbortController()
          const content = await change(await store.read(key), { signal, abandoned: false })
          return content === undefined
            ? ((await store.read(key)) ?? { token: undefined, revision: 0 })
            : store.replace(key, () => content)
        },
      })),
    ],
    [
      'forgets members that it does not know',
      faulty((store) => ({
        read: async (key) => {
          const { token, revision = 0 } = (await store.read(key)) ?? {}
          return revision === 0 ? undefined : { token, revision }
        },
      })),
    ],
    [
      'forgets that a request that redeems was sent',
      faulty((store) => ({
        update: (key, change, options) =>
          store.update(key, (current, context) => change(current, { ...context, sent: undefined }), options),
      })),
    ],
    ['ignores a signal', faulty((store) => ({ update: (key, change) => store.update(key, change) }))],
    [
      'reads under the lock',
      faulty((store) => ({
        read: async (key) => {
          const record = await store.update(key, async () => undefined)
          return record.revision === 0 ? undefined : record
        },
      })),
    ],
  ]

  test.each(faults)('%s', async (_, open) => {
    const runs = storeContract(open).map(async ({ run }) => {
      const late = new Promise((_resolve, reject) => setTimeout(reject, 200, new Error('it hangs')))
      await Promise.race([run(), late])
    })
    const outcomes = await Promise.allSettled(runs)
    expect(outcomes.map(({ status }) => status)).toContain('rejected')
  })
})
