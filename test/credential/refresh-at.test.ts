import { expect, test } from 'vitest'
import { decodeRecord, encodeRecord } from '../../src/credential/record/record-format.ts'
import { createCredential, memoryStore, type Source } from '../../src/index.ts'
import { fileStore } from '../../src/stores/file/index.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { ManualClock } from '../support/manual-clock.ts'

const HOUR = 3_600_000

/** Its server rejects each token after ten minutes, and says that it expires after an hour. */
function earlySource(clock: ManualClock): { readonly source: Source; readonly asked: () => number } {
  let asked = 0
  const source: Source = {
    issue: async () => ({
      accessToken: `access-${++asked}`,
      refreshToken: `refresh-${asked}`,
      expiresAt: clock.now() + HOUR,
      refreshAt: clock.now() + HOUR / 6,
    }),
  }
  return { source, asked: () => asked }
}

test('[C9, K1] given a source that tells when its token is rejected before it expires, then that time counts', async () => {
  const clock = new ManualClock()
  const { source, asked } = earlySource(clock)
  const token = createCredential({ source, clock })
  const first = await token.snapshot()
  expect(first.expiresAt).toBe(clock.now() + HOUR / 6)
  expect(first.value.expiresAt).toBe(clock.now() + HOUR)
  await clock.advance(HOUR / 12)
  expect(await token.accessToken()).toBe('access-1')
  // Idle until then, so that nothing was refreshed ahead of it.
  await clock.advance(HOUR / 12)
  expect(await token.accessToken()).toBe('access-2')
  expect(asked()).toBe(2)
})

test('[C9] given calls all the while, then the refresh runs in the background ahead of that time', async () => {
  const clock = new ManualClock()
  const { source } = earlySource(clock)
  const token = createCredential({ source, clock })
  const given: string[] = []
  for (let at = 0; at < HOUR / 6; at += 10_000) {
    given.push(await token.accessToken())
    await clock.advance(10_000)
  }
  expect(given[0]).toBe('access-1')
  expect(given.at(-1)).toBe('access-2')
})

test('[K10] given a stored token that its server rejects by now, then another process does not adopt it', async () => {
  const clock = new ManualClock()
  const store = memoryStore()
  const { source, asked } = earlySource(clock)
  await createCredential({ source, store, clock }).snapshot()
  await clock.advance(HOUR / 12)
  expect(await createCredential({ source, store, clock }).accessToken()).toBe('access-1')
  await clock.advance(HOUR / 12)
  expect(await createCredential({ source, store, clock }).accessToken()).toBe('access-2')
  expect(asked()).toBe(2)
})

test('[K2] given a next token whose source tells nothing of it, then the time of the one before does not count', async () => {
  const clock = new ManualClock()
  let asked = 0
  const source: Source = {
    issue: async () => {
      const expiresAt = clock.now() + HOUR
      return ++asked === 1
        ? { accessToken: 'access-1', expiresAt, refreshAt: clock.now() + 60_000 }
        : { accessToken: 'access-2', expiresAt }
    },
  }
  const token = createCredential({ source, clock })
  await token.snapshot()
  await clock.advance(60_000)
  const second = await token.snapshot()
  expect(second.value).not.toHaveProperty('refreshAt')
  expect(second.expiresAt).toBe(clock.now() + HOUR)
})

test('[S5] a record keeps it, as text and in files', async () => {
  const token = { accessToken: 'a', expiresAt: 2_000, refreshAt: 1_000 }
  const text = encodeRecord('me', { token })
  expect(decodeRecord(text, 'me', 'The record').token).toMatchObject(token)
  const store = fileStore({ path: await temporaryFolder() })
  await store.update('me', async () => ({ token }))
  expect((await store.read('me'))?.token).toMatchObject(token)
  // What makes no sense is left out.
  const odd = text.replace('"refreshAt":1000', '"refreshAt":"soon"')
  expect(decodeRecord(odd, 'me', 'The record').token).not.toHaveProperty('refreshAt')
})
