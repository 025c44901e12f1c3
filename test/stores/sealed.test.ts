import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CompactEncrypt, type CompactJWEHeaderParameters, decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import { MemoryStore } from '../../src/credential/memory-store.ts'
import type { AccessToken, Store } from '../../src/index.ts'
import { fileStore, inspectFileStore } from '../../src/stores/file/index.ts'
import { adoptUnsealed, sealedStore, type SealingKey } from '../../src/stores/sealed/index.ts'
import { storeContract } from '../../src/testing/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { inside, newKey, sealedWith } from './sealing.ts'

const [older, newer] = [newKey('2025-11'), newKey('2026-11')]

const token: AccessToken = {
  accessToken: 'canary-access',
  tokenType: 'canary-type',
  expiresAt: 1_893_456_000_123,
  refreshToken: 'canary-refresh',
  scope: 'canary-scope',
  extra: { canaryName: 'canary-extra' },
}
const invalid = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'store_invalid', message: expect.stringMatching(message) })

/** Puts something in the place of what is sealed. */
async function plant(store: Store, change: (jwe: string) => string, key = 'me'): Promise<void> {
  await store.update(key, async (current) => {
    const { accessToken = '', tokenType = '' } = current?.token ?? {}
    return { token: { tokenType, accessToken: change(accessToken) } }
  })
}

/** A memory store with that token in it, sealed. */
async function stored(keys: SealingKey[] = [newer]): Promise<{ inner: MemoryStore; store: Store }> {
  const inner = new MemoryStore()
  const store = sealedStore(inner, keys)
  await store.update('me', async () => ({ token }))
  return { inner, store }
}

/** What both a read and a refresh fail with, where nobody is asked for a token by it, and nothing is changed. */
async function refusal(inner: Store, store: Store): Promise<unknown> {
  const before = await inner.read('me')
  const [read, updated] = [store.read('me'), store.update('me', () => Promise.reject(new Error('asked')))]
  const [error, other] = await Promise.all(
    [read, updated].map((one) => one.catch((thrown: unknown) => thrown)),
  )
  expect([other, await inner.read('me')]).toEqual([error, before])
  return error
}

describe('stored records', () => {
  test('[S8, Z1] given a token, then no file of a file store, and no inspection, contains a part of it', async () => {
    const path = await temporaryFolder()
    const store = sealedStore(fileStore({ path }), [newer])
    for (const turn of [1, 2, 3]) {
      await store.update('me', async () => ({ token: { ...token, accessToken: `canary-access-${turn}` } }))
    }
    await store.delete('you')
    const names = await readdir(path, { recursive: true })
    let texts = JSON.stringify([names, await inspectFileStore({ path })])
    for (const name of names) {
      const file = join(path, name)
      if ((await stat(file)).isFile()) texts += await readFile(file, 'utf8')
    }
    expect(texts).toContain('llm-refresh/token')
    expect(texts).not.toMatch(/canary|1893456000123|accessToken.*accessToken/iu)
    expect((await store.read('me'))?.token).toEqual({ ...token, accessToken: 'canary-access-3' })
  })

  test('[S8] given a record, then the store holds a JWE and a mark, and no two JWEs are alike', async () => {
    const { inner, store } = await stored()
    const first = await inside(inner)
    expect(Object.keys(first).toSorted()).toEqual(['accessToken', 'tokenType'])
    expect(decodeProtectedHeader(first.accessToken)).toEqual({ alg: 'dir', enc: 'A256GCM', kid: '2026-11' })
    await store.update('me', async () => ({ token }))
    expect((await inside(inner)).accessToken).not.toBe(first.accessToken)
  })

  test('[S8] given a logout, then it needs no key, and leaves a tombstone that needs none', async () => {
    const { inner } = await stored()
    const stranger = sealedStore(inner, () => Promise.reject(new Error('no keys today')))
    await stranger.delete('me')
    const tombstone = { token: undefined, session: 1, revision: 2 }
    expect([await stranger.read('me'), await inner.read('me')]).toEqual([tombstone, tombstone])
  })

  test('[S8] given an update, then the inner store gets its options, and the change gets the inner store’s context', async () => {
    const confirm = async (): Promise<void> => undefined
    const context = { signal: AbortSignal.abort(), abandoned: true, confirm }
    const given = { known: 7, signal: new AbortController().signal, deadline: 5, onNews: () => undefined }
    const told: unknown[] = []
    const inner: Store = {
      read: async () => undefined,
      update: async (_key, change, options) => {
        told.push(options)
        await change(undefined, context)
        return { token: undefined, revision: 0 }
      },
      replace: async () => ({ token: undefined, revision: 0 }),
      delete: async () => undefined,
    }
    await sealedStore(inner, [newer]).update('me', async (_, lock) => void told.push(lock), given)
    expect(told).toEqual([given, context])
  })
})

describe('a key that is replaced', () => {
  test('[S8] given a record of an older key, then it opens, and the next write seals it with the first key', async () => {
    const { inner } = await stored([older])
    const store = sealedStore(inner, [newer, older])
    expect((await store.read('me'))?.token).toEqual(token)
    expect(await sealedWith(inner)).toBe('2025-11')
    await store.update('me', async (current) => current)
    expect(await sealedWith(inner)).toBe('2026-11')
    expect((await sealedStore(inner, [newer]).read('me'))?.token).toEqual(token)
    // And back, where a deployment is.
    await sealedStore(inner, [older, newer]).update('me', async (current) => current)
    expect(await sealedWith(inner)).toBe('2025-11')
  })

  test('[S8] given a record of an unknown key, then the error names that key and the known ones', async () => {
    const { inner } = await stored([newer])
    const store = sealedStore(inner, [older, newKey('"odd"')])
    const message = /record of "me" needs the key "2026-11", which is not among "2025-11", "\\"odd\\""/u
    expect(await refusal(inner, store)).toEqual(invalid(message))
  })

  test('[S8] given a foreign record with a very long key id, then the error stays short', async () => {
    const { inner } = await stored([newKey('x'.repeat(256))])
    const huge = btoa(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid: 'y'.repeat(100_000) }))
    await plant(inner, (jwe) => jwe.replace(/^[^.]+/u, huge))
    const error = await refusal(inner, sealedStore(inner, [newer]))
    expect(error).toEqual(invalid(/needs the key "y{256}", which/u))
  })

  test('[S8] given keys as bytes, base64, base64url with a line end, or Web Crypto keys, then each works', async () => {
    const { inner } = await stored()
    const bytes = Buffer.from(newer.secret)
    const own = await crypto.subtle.importKey('raw', newer.secret.slice(), 'AES-GCM', false, ['decrypt'])
    const given = [bytes, bytes.toString('base64'), `${bytes.toString('base64url')}\n`, own]
    for (const secret of given) {
      const store = sealedStore(inner, [older, { id: newer.id, secret }])
      expect((await store.read('me'))?.token).toEqual(token)
    }
  })

  test('[S8] given bytes that the caller changes later, then the key stays the same', async () => {
    const { inner } = await stored()
    const secret = newer.secret.slice()
    const store = sealedStore(inner, [{ id: newer.id, secret }])
    secret.fill(0)
    expect((await store.read('me'))?.token).toEqual(token)
  })
})

describe('then a record is refused if', () => {
  test('[S8, S6] it was sealed with another secret under the same id', async () => {
    const { inner } = await stored()
    const store = sealedStore(inner, [newKey(newer.id)])
    expect(await refusal(inner, store)).toEqual(
      invalid(/record of "me" cannot be opened with the key "2026-11": its secret/u),
    )
  })

  test('[S8, S6] it is the record of another account', async () => {
    const { inner, store } = await stored()
    await store.update('you', async () => ({ token: { accessToken: 'yours' } }))
    const yours = await inside(inner, 'you')
    await plant(inner, () => yours.accessToken)
    expect(await refusal(inner, store)).toEqual(
      invalid(/record of "me" is the record of another account.*log out/u),
    )
    expect((await store.read('you'))?.token).toEqual({ accessToken: 'yours' })
  })

  test('[S8, S6] any of its characters was changed', async () => {
    const { inner, store } = await stored()
    const { accessToken: jwe } = await inside(inner)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (let at = 0; at < jwe.length; at++) {
      // All of its bits differ: the lowest of the last one in a part may belong to no byte.
      const other = jwe[at] === '.' ? 'A' : alphabet.charAt(63 - alphabet.indexOf(jwe.charAt(at)))
      expect(other).not.toBe(jwe[at])
      await plant(inner, () => jwe.slice(0, at) + other + jwe.slice(at + 1))
      await expect(store.read('me'), `character ${at}`).rejects.toEqual(invalid(/"me"/u))
    }
    await plant(inner, () => jwe)
    expect((await store.read('me'))?.token).toEqual(token)
  })

  test.each([
    ['nothing', () => ''],
    ['no JWE', () => 'access-token'],
    ['cut off', (jwe: string) => jwe.slice(0, -30)],
    ['a part too many', (jwe: string) => `${jwe}.AAAA`],
    ['an encrypted key', (jwe: string) => jwe.replace('..', '.AAAA.')],
    ['no tag', (jwe: string) => jwe.replace(/[^.]+$/u, '')],
    ['a short tag', (jwe: string) => jwe.replace(/[^.]+$/u, (tag) => tag.slice(0, 16))],
    ['a key id that is none', () => `${btoa('{"alg":"dir","enc":"A256GCM","kid":5}')}..AAAA.AAAA.AAAA`],
    ['a header that is none', () => `${btoa('null')}..AAAA.AAAA.AAAA`],
  ])('[S8, S6] it is %s', async (_, change) => {
    const { inner, store } = await stored()
    await plant(inner, change)
    expect(await refusal(inner, store)).toEqual(invalid(/record of "me".* log out and log in again/u))
  })

  const content = (account: string, format = 'llm-refresh/token'): string =>
    JSON.stringify({ format, version: 1, key: account, token: { accessToken: 'forged' } })
  const own = (keyOfWeb: Uint8Array, usage: KeyUsage[], name: string): Promise<CryptoKey> =>
    crypto.subtle.importKey('raw', keyOfWeb.slice(), name, false, usage)
  const made = async (
    header: Partial<CompactJWEHeaderParameters>,
    text = content('me'),
    key: CryptoKey | Uint8Array = newer.secret,
  ): Promise<string> =>
    new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: newer.id, ...header })
      .encrypt(key, { crit: { odd: true } })

  test.each<[string, () => Promise<string>]>([
    ['another encryption', () => made({ enc: 'A128CBC-HS256' })],
    ['a key in a key, of the same kind', () => made({ alg: 'A256GCMKW' })],
    [
      'a key in a key',
      async () => made({ alg: 'A256KW' }, content('me'), await own(newer.secret, ['wrapKey'], 'AES-KW')),
    ],
    ['a password', () => made({ alg: 'PBES2-HS256+A128KW', enc: 'A256GCM' })],
    ['compressed', () => made({ zip: 'DEF' })],
    [
      'compressed, and swells to 64 MiB',
      () => made({ zip: 'DEF' }, ' '.repeat(64 * 1024 * 1024) + content('me')),
    ],
    ['an extension that must be understood', () => made({ crit: ['odd'], odd: 1 })],
    ['something else that was sealed with the key', () => made({}, content('me', 'cookies'))],
    ['no JSON', () => made({}, 'forged')],
  ])('[S8, S6] it was made with the right secret, but is: %s', async (_, make) => {
    const { inner, store } = await stored()
    const jwe = await make()
    await plant(inner, () => jwe)
    expect(await refusal(inner, store)).toEqual(invalid(/record of "me".* log out and log in again/u))
    // It is that alone which is refused.
    const good = await made({})
    await plant(inner, () => good)
    expect((await store.read('me'))?.token).toEqual({ accessToken: 'forged' })
  })
})

describe('given an unsealed record', () => {
  test('[S8, S6] then it is refused, even if its token is a JWE, and the error says how to adopt it', async () => {
    const { inner, store } = await stored()
    const { accessToken: jwe } = await inside(inner)
    for (const accessToken of ['plain', jwe]) {
      await inner.update('me', async () => ({ token: { accessToken, refreshToken: 'plain-refresh' } }))
      expect(await refusal(inner, store)).toEqual(
        invalid(/record of "me" is not sealed: adopt it, or log out/u),
      )
    }
  })

  test('[S8] when adoptUnsealed is set, then it is adopted, and the next write seals it', async () => {
    const inner = new MemoryStore()
    await inner.update('me', async () => ({ token }))
    const store = sealedStore(inner, [newer], { [adoptUnsealed]: true })
    expect((await store.read('me'))?.token).toEqual(token)
    expect((await store.update('me', async () => undefined)).token).toEqual(token)
    expect((await store.update('me', async (current) => current)).token).toEqual(token)
    expect(JSON.stringify(await inner.read('me'))).not.toContain('canary')
    expect((await sealedStore(inner, [newer]).read('me'))?.token).toEqual(token)
  })

  test('[S8] when adoptUnsealed is set, then sealed records open too', async () => {
    const { inner } = await stored()
    expect(await refusal(inner, sealedStore(inner, [older], { [adoptUnsealed]: true }))).toEqual(
      invalid(/needs the key "2026-11"/u),
    )
  })
})

const failure = {
  code: 'source_refused',
  terminal: true,
  at: 1,
  refused: 'canary:hash',
  abandoned: true,
} as const

describe('the whole record', () => {
  const later = { later: ['canary-later'] }
  const kept = { madeFor: { client: 'canary-client' }, triedSeeds: ['canary:seed'], ...later }

  test('[S12] given a record with all its members, when it is stored, then only its session is unsealed', async () => {
    const inner = new MemoryStore()
    const store = sealedStore(inner, [newer])
    const written = await store.update('me', async () => ({ token, session: 3, failure, ...kept }))
    expect(written).toEqual({ token, session: 3, failure, ...kept, revision: 1 })
    expect(await store.read('me')).toEqual(written)
    const outside = await inner.read('me')
    expect(Object.keys(outside ?? {}).toSorted()).toEqual(['revision', 'session', 'token'])
    expect([outside?.session, JSON.stringify(outside)]).toEqual([3, expect.not.stringContaining('canary')])
  })

  test('[S12] given a failure and no token, when it is stored, then it is sealed, and the next holder is told that the lock is abandoned', async () => {
    const inner = new MemoryStore()
    const store = sealedStore(inner, [newer])
    await store.update('me', async () => ({ token: undefined, failure }))
    expect(JSON.stringify(await inner.read('me'))).not.toMatch(/canary|source_refused/)
    const told: unknown[] = []
    await store.update(
      'me',
      async (current, { abandoned, sent }) => void told.push(current, abandoned, typeof sent),
    )
    expect(told).toEqual([{ token: undefined, failure, revision: 1 }, true, 'function'])
  })

  test('[S12] given a record that the version before sealed, when it is read, then it opens', async () => {
    const { inner, store } = await stored()
    const content = JSON.stringify({ format: 'llm-refresh/token', version: 1, key: 'me', token })
    const jwe = await new CompactEncrypt(new TextEncoder().encode(content))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: newer.id })
      .encrypt(newer.secret)
    await plant(inner, () => jwe)
    expect((await store.read('me'))?.token).toEqual(token)
  })

  test('[S12] given an unsealed failure, with a sealed token or without one, when it is read, then it is refused or left out', async () => {
    const { inner, store } = await stored()
    await inner.update('me', async (current) => ({ token: current?.token, failure, ...kept }))
    expect(await store.read('me')).toEqual({ token, revision: 2 })
    await inner.update('me', async () => ({ token: undefined, failure }))
    expect(await refusal(inner, store)).toEqual(invalid(/is not sealed/))
    await inner.update('me', async () => ({ token: undefined, session: 4, ...kept }))
    expect(await store.read('me')).toMatchObject({ token: undefined, session: 4 })
    expect(JSON.stringify(await store.read('me'))).not.toContain('canary')
  })

  test('[S12] given a record with other members, when the account is logged out, then they stay sealed in the tombstone', async () => {
    const inner = new MemoryStore()
    const store = sealedStore(inner, [newer])
    await store.update('me', async () => ({ token, session: 3, failure, ...kept }))
    await store.delete('me')
    expect(await store.read('me')).toEqual({ token: undefined, session: 4, ...kept, revision: 2 })
    expect(JSON.stringify(await inner.read('me'))).not.toContain('canary')
    // Without the key, all of it goes.
    const stranger = sealedStore(inner, [older])
    await stranger.delete('me')
    expect(await inner.read('me')).toEqual({ token: undefined, session: 5, revision: 3 })
    expect(await store.read('me')).toEqual({ token: undefined, session: 5, revision: 3 })
  })

  test('[S12, S9] given a holder that writes between, when a record is replaced, then the change runs again on the new record', async () => {
    const { inner, store } = await stored()
    const found: (string | undefined)[] = []
    let between: Promise<unknown> | undefined
    const replaced = await store.replace('me', (current) => {
      found.push(current?.token?.accessToken)
      between ??= inner.replace('me', (now) => ({ token: now?.token, session: 7 }))
      return { token: { accessToken: 'access-mine' }, session: 8 }
    })
    await between
    expect(found).toEqual(['canary-access', 'canary-access'])
    expect(replaced).toEqual({ token: { accessToken: 'access-mine' }, session: 8, revision: 3 })
    expect(await store.read('me')).toEqual(replaced)
  })

  test('[S12] given a record that cannot be opened, when a login replaces it, then the login is refused, and the record stays', async () => {
    const { inner } = await stored()
    const before = await inner.read('me')
    const login = sealedStore(inner, [older]).replace('me', () => ({ token: { accessToken: 'access-mine' } }))
    await expect(login).rejects.toEqual(invalid(/needs the key/))
    expect(await inner.read('me')).toEqual(before)
  })

  test('[S12] given a change that throws, when a record is replaced, then replace() rejects with that error', async () => {
    const { store } = await stored()
    const refused = new Error('not over this one')
    const replacing = store.replace('me', () => {
      throw refused
    })
    await expect(replacing).rejects.toBe(refused)
  })

  test('[S12] given an inner store with findings, then the sealed store has them too', () => {
    const found = { code: 'client_without_timeout', level: 'warning', message: 'a', fix: 'b' } as const
    const inner = Object.assign(new MemoryStore(), { findings: () => [found] })
    expect(sealedStore(inner, [newer]).findings?.()).toEqual([found])
    expect(sealedStore(new MemoryStore(), [newer]).findings).toBeUndefined()
  })
})

describe('a sealed store', () => {
  for (const [name, open] of [['the memory', () => new MemoryStore()]] as const) {
    const inner = open()
    for (const { name: what, run } of storeContract(() => sealedStore(inner, [newer])))
      test(`[S2, S8] over ${name}: ${what}`, () => expect(run()).resolves.toBeUndefined())
  }
})
