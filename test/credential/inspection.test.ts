import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createCredential, createCredentialPool, memoryStore, type Store } from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { postgresStore } from '../../src/stores/postgres/index.ts'
import { redisStore } from '../../src/stores/redis/index.ts'
import { sealedStore } from '../../src/stores/sealed/index.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { ManualClock } from '../support/manual-clock.ts'

const CANARY = 'kanarienvogel'
const source = {
  issue: async () => ({ accessToken: CANARY, refreshToken: CANARY, expiresAt: Date.UTC(2026, 10, 2) }),
}

test('[Z1] given a credential, when it is printed, then its status is shown and no token', async () => {
  const credential = createCredential({ source, clock: new ManualClock() })
  expect(inspect(credential)).toMatch(/^Credential \{[^]*state: 'empty'/)
  await credential.accessToken()
  const shown = inspect(credential, { showHidden: true, depth: 9 })
  expect(shown).toMatch(/state: 'valid',[^]*generation: 1/)
  expect(inspect({ of: [credential] }, { compact: true, breakLength: Infinity })).toContain("state: 'valid'")
  expect(shown + JSON.stringify(credential)).not.toContain(CANARY)
})

test('[Z1] given a pool, when it is printed, then its size is shown', async () => {
  const pool = createCredentialPool({ source })
  await pool.get('ann').accessToken()
  expect(inspect(pool, { showHidden: true })).toBe('CredentialPool { size: 1 }')
})

test('[Z1] given stores, when they are printed, then they say where they are', async () => {
  const memory = memoryStore()
  await createCredential({ source, store: memory }).accessToken()
  const folder = await temporaryFolder()
  const foreign = Object.assign(memoryStore(), { password: CANARY })
  const own: Store = {
    read: (key) => foreign.read(key),
    update: (key, change, options) => foreign.update(key, change, options),
    replace: (key, change) => foreign.replace(key, change),
    delete: (key) => foreign.delete(key),
  }
  Reflect.set(own, 'password', CANARY)
  const keys = [{ id: 'one', secret: new Uint8Array(32) }]
  const shown = [
    memory,
    fileStore({ path: folder }),
    redisStore({ eval: async () => CANARY }),
    postgresStore({ query: async () => ({ rows: [] }) }),
    sealedStore(memory, keys),
    sealedStore(own, keys),
  ].map((store) => inspect(store, { showHidden: true, depth: 9, breakLength: Infinity }))
  expect(shown).toEqual([
    'MemoryStore { size: 1 }',
    `Store { where: 'The folder ${folder}', lease: 10000 }`,
    expect.stringMatching(/^Store \{ where: 'Redis', lease: \d+ \}$/) as string,
    expect.stringMatching(/^Store \{ where: 'The table [^']+', lease: \d+ \}$/) as string,
    'SealedStore { store: MemoryStore { size: 1 } }',
    'SealedStore {}',
  ])
})

test('given a console that hands on no function, when a credential is printed, then its name is shown', () => {
  const credential = createCredential({ source })
  const print: unknown = Reflect.get(credential, Symbol.for('nodejs.util.inspect.custom'))
  if (typeof print !== 'function') throw new Error('It is not printed by itself.')
  expect(Reflect.apply(print, credential, [1, {}])).toBe('Credential')
})
