import { describe, expect, test } from 'vitest'
import type { RecordContent } from '../../src/credential/store.ts'
import { type AccessToken, memoryStore, RefreshError, type Store } from '../../src/index.ts'
import {
  adoptUnsealed,
  sealedStore,
  type SealingKey,
  type SealingKeys,
} from '../../src/stores/sealed/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { newKey, sealedWith } from './sealing.ts'

const [older, newer] = [newKey('2025-11'), newKey('2026-11')]
const token: AccessToken = { accessToken: 'access', refreshToken: 'refresh' }

const failed = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

/** A key management service, and a store that asks it. */
function service(keys: readonly SealingKey[]) {
  const clock = new ManualClock()
  const inner = memoryStore()
  const asked: AbortSignal[] = []
  const state = { answer: async (): Promise<unknown> => keys }
  const give = async ({ signal }: { signal: AbortSignal }): Promise<readonly SealingKey[]> => {
    asked.push(signal)
    return (await state.answer()) as SealingKey[]
  }
  const store = sealedStore(inner, give, { clock })
  /** A login in another process, which has these keys. */
  const writeElsewhere = async (...others: SealingKey[]): Promise<void> => {
    await inner.delete('me')
    await sealedStore(inner, others).update('me', async () => ({ token }))
  }
  return { clock, inner, asked, state, store, writeElsewhere }
}

describe('given a function that returns the keys', () => {
  test('[S8] then it is called when a key is first needed, once for all callers, and not for a logout', async () => {
    const { asked, inner, store } = service([newer])
    expect(await store.read('me')).toBeUndefined()
    await store.delete('me')
    await store.read('me')
    expect(asked).toHaveLength(0)
    const keys = Array.from({ length: 100 }, (_, n) => `me-${n}`)
    await Promise.all(keys.map((key) => store.update(key, async () => ({ token }))))
    const read = await Promise.all(keys.map((key) => store.read(key)))
    expect(read.map((stored) => stored?.token)).toEqual(keys.map(() => token))
    expect(asked).toHaveLength(1)
    expect(await sealedWith(inner, 'me-7')).toBe('2026-11')
  })

  test('[S8] when a record is sealed with a newer key, then it is called again, once for all callers', async () => {
    const { asked, clock, inner, state, store, writeElsewhere } = service([older])
    await store.update('me', async () => ({ token }))
    await writeElsewhere(newer)
    state.answer = async () => [newer, older]
    clock.jump(10_000)
    const read = await Promise.all(Array.from({ length: 50 }, () => store.read('me')))
    expect(read.every((stored) => stored?.token?.accessToken === 'access')).toBe(true)
    expect(asked).toHaveLength(2)
    await store.update('you', async () => ({ token }))
    expect(await sealedWith(inner, 'you')).toBe('2026-11')
    expect(asked).toHaveLength(2)
  })

  test('[S8] given a secret that was wrong once, when a record cannot be opened with it 10 s later, then the function is asked again, and the record is read', async () => {
    const { asked, clock, state, store, writeElsewhere } = service([newer])
    await writeElsewhere(newer)
    state.answer = async () => [newKey('2026-11')]
    const refused = failed('store_invalid', /its secret is another one here/)
    await expect(store.read('me')).rejects.toEqual(refused)
    state.answer = async () => [newer]
    clock.jump(9_999)
    await expect(store.read('me')).rejects.toEqual(refused)
    expect(asked).toHaveLength(1)
    clock.jump(1)
    expect(await store.read('me')).toMatchObject({ token })
    await store.read('me')
    expect(asked).toHaveLength(2)
  })

  test('[S8] given a function that still gives the wrong secret, or throws, when it is asked again, then the error says what is wrong', async () => {
    const { asked, clock, state, store, writeElsewhere } = service([newKey('2026-11')])
    await writeElsewhere(newer)
    for (const after of [0, 10_000, 1]) {
      clock.jump(after)
      await expect(store.read('me')).rejects.toEqual(
        failed('store_invalid', /its secret is another one here/),
      )
    }
    expect(asked).toHaveLength(2)
    clock.jump(10_000)
    state.answer = async () => Promise.reject(new Error('no service'))
    await expect(store.read('me')).rejects.toEqual(failed('store_failed', /gave no keys/))
  })

  test('[S8] when a write learns of a newer key, then it seals with that key', async () => {
    const { clock, inner, state, store, writeElsewhere } = service([older])
    await store.update('you', async () => ({ token }))
    await writeElsewhere(newer)
    state.answer = async () => [newer, older]
    clock.jump(10_000)
    await store.update('me', async (current) => current)
    expect(await sealedWith(inner)).toBe('2026-11')
  })

  test('[S8] when unknown keys are named, then it is called every 10 s at most, for any ids, and if the clock is set back or ahead', async () => {
    const { asked, clock, store, writeElsewhere } = service([older])
    await store.update('me', async () => ({ token }))
    for (let n = 0; n < 30; n++) {
      await writeElsewhere(newKey(`bogus-${n}`))
      await expect(store.read('me')).rejects.toEqual(failed('store_invalid', /needs the key "bogus-/u))
      clock.jump(1_000)
    }
    expect(asked).toHaveLength(3)
    clock.jump(-3_600_000)
    await expect(store.read('me')).rejects.toEqual(failed('store_invalid', /bogus/u))
    expect(asked).toHaveLength(4)
  })

  test('[S8] when a write comes after an hour, then it is called again, so that processes that only write get rotated keys', async () => {
    const { asked, clock, inner, state, store } = service([older])
    await store.update('me', async () => ({ token }))
    state.answer = async () => [newer, older]
    clock.jump(3_599_999)
    await store.update('me', async () => ({ token }))
    expect([asked.length, await sealedWith(inner)]).toEqual([1, '2025-11'])
    clock.jump(1)
    await store.read('me')
    expect(asked).toHaveLength(1)
    await Promise.all(['me', 'you'].map((key) => store.update(key, async () => ({ token }))))
    expect([asked.length, await sealedWith(inner)]).toEqual([2, '2026-11'])
  })

  test('[S8] when that call fails, then its earlier keys are still used', async () => {
    const { asked, clock, inner, state, store } = service([older])
    await store.update('me', async () => ({ token }))
    state.answer = () => Promise.reject(new Error('the service is down'))
    clock.jump(3_600_000)
    await store.update('me', async () => ({ token }))
    expect([asked.length, await sealedWith(inner)]).toEqual([2, '2025-11'])
    expect((await store.read('me'))?.token).toEqual(token)
  })

  test('[S8] when it fails, then nothing is redeemed, and the next caller calls it again', async () => {
    const { asked, state, store, writeElsewhere } = service([newer])
    await writeElsewhere(newer)
    const cause = new Error('the service is down')
    let isAsked = false
    const change = async (): Promise<RecordContent> => {
      isAsked = true
      return { token }
    }
    const works = state.answer
    state.answer = () => Promise.reject(cause)
    for (const asking of [
      () => store.read('me'),
      () => store.update('me', change),
      () => store.update('you', change),
    ]) {
      const error: unknown = await asking().catch((thrown: unknown) => thrown)
      expect(error).toEqual(failed('store_failed', /'keys' gave no keys: see the cause/u))
      expect((error as Error).cause).toBe(cause)
    }
    expect([asked.length, isAsked]).toEqual([3, false])
    state.answer = works
    expect((await store.read('me'))?.token).toEqual(token)
  })

  test('[S8] when it fails for one record, then other records still open', async () => {
    const { clock, state, store, writeElsewhere } = service([older])
    await store.update('you', async () => ({ token }))
    await writeElsewhere(newer)
    state.answer = () => Promise.reject(new Error('the service is down'))
    clock.jump(10_000)
    await expect(store.read('me')).rejects.toEqual(failed('store_failed', /'keys' gave no keys/u))
    expect((await store.read('you'))?.token).toEqual(token)
  })

  test('[S8] when it throws at once, then the error is clear, and a RefreshError of its own stays', async () => {
    const named = new RefreshError('store_failed', 'Run `vault login`.')
    const throwing = (error: Error): Store =>
      sealedStore(memoryStore(), () => {
        throw error
      })
    const update = (store: Store): Promise<unknown> => store.update('me', async () => ({ token }))
    await expect(update(throwing(new Error('at once')))).rejects.toEqual(
      failed('store_failed', /see the cause/u),
    )
    await expect(update(throwing(named))).rejects.toBe(named)
  })

  test('[S8] when it hangs, then the call ends after 10 s, and the next caller calls it again', async () => {
    const { asked, clock, state, store } = service([newer])
    const works = state.answer
    state.answer = () => new Promise(() => undefined)
    const update = store.update('me', async () => ({ token })).catch((error: unknown) => error)
    await settled()
    await clock.advance(9_999)
    expect(asked.map(({ aborted }) => aborted)).toEqual([false])
    await clock.advance(1)
    expect(await update).toEqual(failed('store_failed', /'keys' gave no keys within 10000 ms/u))
    expect([asked.map(({ aborted }) => aborted), clock.armed]).toEqual([[true], 0])
    state.answer = works
    await store.update('me', async () => ({ token }))
    expect([asked.length, clock.armed]).toEqual([2, 0])
  })

  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /'keys' must be a list.*not undefined/u],
    ['a text', 'secret-text', /'keys' must be a list.*not string/u],
    ['an empty list', [], /'keys' must hold a key/u],
    [
      'half a key',
      [{ id: 'x', secret: 'c2VjcmV0' }],
      /The secret of the sealing key "x" must be 32 bytes, not 6/u,
    ],
    ['a key twice', [newer, newer], /Two sealing keys have the id/u],
  ])(
    '[S8] when it returns %s, then the error says so, and nothing is redeemed',
    async (_, garbage, message) => {
      const { asked, state, store } = service([newer])
      const works = state.answer
      state.answer = async () => garbage
      let isAsked = false
      const change = async (): Promise<RecordContent> => {
        isAsked = true
        return { token }
      }
      await expect(store.update('me', change)).rejects.toEqual(failed('invalid_option', message))
      expect(isAsked).toBe(false)
      state.answer = works
      await store.update('me', change)
      expect([asked.length, isAsked]).toEqual([2, true])
    },
  )

  test('[S8] when it is synchronous, then the store works', async () => {
    const keys: SealingKeys = () => [newer]
    const store = sealedStore(memoryStore(), keys)
    expect((await store.update('me', async () => ({ token }))).token).toEqual(token)
  })
})

describe('given invalid arguments', () => {
  const bad = (given: unknown): unknown => {
    try {
      return sealedStore(memoryStore(), given as SealingKey[])
    } catch (error) {
      return error
    }
  }
  test.each<[string, unknown, RegExp]>([
    ['no keys', undefined, /'keys' must be a list of \{ id, secret \}, or a function.*not undefined/u],
    ['one key, and no list', newer, /'keys' must be a list/u],
    ['an empty list', [], /'keys' must hold a key/u],
    ['no key', [null], /'keys\[0\]\.id' must be a text/u],
    ['no id', [{ secret: newer.secret }], /'keys\[0\]\.id'/u],
    ['an empty id', [{ ...newer, id: '' }], /'keys\[0\]\.id'/u],
    ['an id that is too long', [{ ...newer, id: 'x'.repeat(257) }], /'keys\[0\]\.id'/u],
    [
      'an id twice',
      [newer, older, { ...older, id: '2026-11' }],
      /Two sealing keys have the id "2026-11": give each its own/u,
    ],
    [
      'no secret',
      [newer, { id: 'x' }],
      /The secret of the sealing key "x" must be 32 bytes.*not undefined: `openssl/u,
    ],
    ['too few bytes', [{ id: 'x', secret: new Uint8Array(16) }], /must be 32 bytes, not 16: `openssl/u],
    ['hexadecimal digits', [{ id: 'x', secret: 'ab'.repeat(32) }], /must be 32 bytes, not 48/u],
    ['a password', [{ id: 'x', secret: 'correct horse!' }], /not a text that is no base64/u],
    ['an empty text', [{ id: 'x', secret: '' }], /must be 32 bytes, not 0/u],
    ['a number', [{ id: 'x', secret: 5 }], /The secret of the sealing key "x"/u],
  ])('[S8] %s', (_, given, message) => {
    const error = bad(given)
    expect(error).toBeInstanceOf(RefreshError)
    expect(error).toMatchObject({ code: 'invalid_option', message: expect.stringMatching(message) })
    expect((error as Error).message).not.toMatch(/abab|correct|horse/u)
  })

  test.each<[string, AesKeyGenParams, KeyUsage[], RegExp]>([
    [
      'for something else',
      { name: 'AES-CBC', length: 256 },
      ['encrypt', 'decrypt'],
      /for AES-GCM, of 256 bits/u,
    ],
    ['too short', { name: 'AES-GCM', length: 128 }, ['encrypt', 'decrypt'], /for AES-GCM, of 256 bits/u],
    [
      'that may only open, and is first',
      { name: 'AES-GCM', length: 256 },
      ['decrypt'],
      /must be a key that may encrypt/u,
    ],
  ])('[S8] a key of Web Crypto %s', async (_, algorithm, usages, message) => {
    const secret = await crypto.subtle.generateKey(algorithm, false, usages)
    expect(bad([{ id: 'x', secret }])).toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(message),
    })
  })

  test.each<[string, () => unknown, RegExp]>([
    [
      'no store',
      () => sealedStore(undefined as never, [newer]),
      /'store' must be a store, such as fileStore\(\)/u,
    ],
    ['half a store', () => sealedStore({ update: () => undefined } as never, [newer]), /'store'/u],
    [
      'an unknown option',
      () => sealedStore(memoryStore(), [newer], { keys: 1 } as never),
      /'keys' does not exist/u,
    ],
    [
      'half a wish',
      () => sealedStore(memoryStore(), [newer], { [adoptUnsealed]: 'yes' } as never),
      /'adoptUnsealed'/u,
    ],
  ])('[S8] %s', (_, make, message) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    )
  })
})
