import { expect, test } from 'vitest'
import { decodeRecord, encodeRecord } from '../../src/credential/record/record-format.ts'
import { tokenFromResponse } from '../../src/credential/token/token-response.ts'
import { createCredential, memoryStore, type Source } from '../../src/index.ts'
import { azure } from '../../src/sources/azure.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
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

test('[C9, K1] given a source that says from when on its token is rejected, then that time counts as the expiry', async () => {
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

test('[C9] given calls all the time, then the refresh runs in the background ahead of that time', async () => {
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

test('[K2] given a next token without such a time, then the time of the token before does not count', async () => {
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

test('[S5] given such a time, then a record keeps it, as text and in files', async () => {
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

/** A JWT with these claims, in epoch seconds. Nobody checks its signature here. */
const jwt = (claims: object): string =>
  [{ alg: 'none' }, claims, 'signature']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')

test('[C9, K1] given a JWT that expires before its response says, then it is replaced before it is rejected', async () => {
  const clock = new ManualClock()
  let asked = 0
  const source = oauth({
    tokenEndpoint: 'https://auth.example.com/token',
    clientId: 'app',
    clientSecret: 'secret',
    grant: 'client_credentials',
    clock,
    // Its clock is an hour ahead of ours.
    fetch: async () => {
      const iat = clock.now() / 1000 + 3600
      return Response.json({ access_token: jwt({ iat, exp: iat + 600, jti: ++asked }), expires_in: 3600 })
    },
  })
  const token = createCredential({ source, clock })
  const { value, expiresAt } = await token.snapshot()
  expect(value).toMatchObject({ expiresAt: clock.now() + HOUR, refreshAt: clock.now() + HOUR / 6 })
  expect(expiresAt).toBe(clock.now() + HOUR / 6)
  await clock.advance(HOUR / 6)
  expect(await token.accessToken()).not.toBe(value.accessToken)
  expect(asked).toBe(2)
})

test.each<[string, object, number]>([
  ['lives as long', { iat: 0, exp: 3600 }, 3600],
  ['lives longer, as one that a server gives again', { iat: 0, exp: 7200 }, 3600],
  ['tells no beginning', { exp: 1 }, 3600],
  ['makes no sense', { iat: 10, exp: 5 }, 3600],
])('[K1] given a JWT that %s, then only the expiry of its response counts', (_, claims, seconds) => {
  const token = tokenFromResponse({ access_token: jwt(claims), expires_in: seconds }, 0)
  expect(token.expiresAt).toBe(seconds * 1000)
  expect(token).not.toHaveProperty('refreshAt')
})

test('[K1] given a `refresh_in` of Entra ID, then the token is valid until it expires', async () => {
  const response = { access_token: 'a', expires_in: 86_400, refresh_in: 43_200 }
  expect(tokenFromResponse(response, 0)).toMatchObject({ expiresAt: 86_400_000 })
  expect(tokenFromResponse(response, 0)).not.toHaveProperty('refreshAt')
  // It is no rejection: while the server is away after that, calls go on with the token.
  const clock = new ManualClock()
  let isAway = false
  const expiresOnTimestamp = clock.now() + 24 * HOUR
  const refreshAfterTimestamp = clock.now() + 12 * HOUR
  const source = azure({
    clock,
    credential: () => ({
      getToken: async () => {
        if (isAway) throw Object.assign(new Error('down'), { statusCode: 503 })
        return { token: 'access-1', expiresOnTimestamp, refreshAfterTimestamp }
      },
    }),
  })
  const token = createCredential({ source, clock })
  await token.snapshot()
  isAway = true
  await clock.advance(23 * HOUR)
  expect(await token.accessToken()).toBe('access-1')
})
