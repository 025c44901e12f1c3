import { expect, test } from 'vitest'
import { RefreshError, refreshingFetch } from '../../src/index.ts'
import { testCredential } from '../../src/testing/index.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** A server that a test scripts: it accepts what the credential accepts. */
function api(credential: ReturnType<typeof testCredential>): {
  fetch: typeof globalThis.fetch
  statuses: number[]
} {
  const statuses: number[] = []
  const beneath = async (_input: unknown, init?: RequestInit): Promise<Response> => {
    const status = credential.accepts(new Headers(init?.headers).get('authorization')) ? 200 : 401
    statuses.push(status)
    return new Response('{}', { status })
  }
  return {
    statuses,
    fetch: refreshingFetch(credential, { origins: 'https://api.test', fetch: beneath }),
  }
}

test('given a test credential, when its token expires, then the next call gets a new one without a 401', async () => {
  const credential = testCredential()
  const { fetch, statuses } = api(credential)
  await fetch('https://api.test/')
  credential.expire()
  expect(credential.accepts('test-token-1')).toBe(false)
  expect(credential.status().state).toBe('expired')
  await fetch('https://api.test/')
  expect(statuses).toEqual([200, 200])
  expect(await credential.accessToken()).toBe('test-token-2')
  expect(credential.tokens).toEqual(['test-token-1', 'test-token-2'])
})

test('given a test credential, when its token is revoked, then the next call gets a 401 and is made again', async () => {
  const credential = testCredential()
  const { fetch, statuses } = api(credential)
  await fetch('https://api.test/')
  credential.revoke()
  expect(await credential.accessToken()).toBe('test-token-1')
  expect((await fetch('https://api.test/')).status).toBe(200)
  expect(statuses).toEqual([200, 401, 200])
})

test('given a failure to come, when the token is refreshed, then the test’s error is thrown', async () => {
  const credential = testCredential({ cooldown: 0 })
  const error = new RefreshError('reauthentication_required', 'Log in again.')
  credential.failNext(error)
  await expect(credential.accessToken()).rejects.toMatchObject({ code: 'reauthentication_required' })
  await credential.login({ accessToken: 'of a person' })
  expect(await credential.accessToken()).toBe('of a person')
})

test('given a failure that passes with time, when the token is refreshed, then it is tried again at once', async () => {
  const credential = testCredential()
  credential.failNext(new RefreshError('source_unreachable', 'Away.'))
  expect(await credential.accessToken()).toBe('test-token-1')
})

test('given the test’s clock, when the lifetime is over, then the token has expired', async () => {
  const clock = new ManualClock()
  const credential = testCredential({ clock, lifetime: 1_000, refreshAhead: 0 })
  await credential.accessToken()
  clock.jump(999)
  expect(await credential.accessToken()).toBe('test-token-1')
  clock.jump(1)
  expect(await credential.accessToken()).toBe('test-token-2')
})

test('given nothing was issued, when a test expires or revokes the token, then nothing happens', () => {
  const credential = testCredential()
  credential.expire()
  credential.revoke()
  expect([credential.tokens, credential.accepts(null), credential.status().state]).toEqual([
    [],
    false,
    'empty',
  ])
})
