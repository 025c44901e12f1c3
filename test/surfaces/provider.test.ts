import { expect, test } from 'vitest'
import { RefreshError } from '../../src/index.ts'
import { type ChatOutcome, type LlmProvider, RefreshingProvider } from '../../src/surfaces/provider/index.ts'
import { failing, listener, rejection, Remote, renewing, request, success } from '../support/scripted.ts'

/** Rejects the first token, and accepts what comes after it. */
const expiring = (): Remote => new Remote({ chat: ({ token }) => (token === 'old' ? rejection() : success) })

test('[P1] given a success, when chat is called, then the caller gets that very object, after one attempt and no refresh', async () => {
  const remote = new Remote({ chat: () => success })
  const renewal = renewing(remote)
  const { heard, onEvent } = listener()
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh, { onEvent })
  expect(await provider.chat(request)).toBe(success)
  expect([remote.tokens, renewal.count, heard]).toEqual([['old'], 0, []])
})

test('[P2] given a rejection, when chat is called, then one refresh and one more attempt follow, and the next call starts with the fresh provider', async () => {
  const remote = expiring()
  const renewal = renewing(remote)
  const { types, onEvent } = listener()
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh, { onEvent })
  expect(await provider.chat(request)).toBe(success)
  expect(await provider.chat(request)).toBe(success)
  expect([remote.tokens, renewal.count]).toEqual([['old', 'new 1', 'new 1'], 1])
  expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_succeeded', 'retried'])
})

test.each<ChatOutcome>([
  { type: 'invalid_request', message: 'prompt is too long: 4010 tokens' },
  { type: 'invalid_request', message: 'authentication looks fine', status: 422 },
  { type: 'invalid_request', message: 'OAuth token does not meet scope requirement', status: 403 },
  { type: 'server_error', message: 'HTTP 401 Unauthorized', status: 401 },
  { type: 'rate_limited', retryAfterMs: 1_000 },
])(
  '[P2] given %j, when chat returns it, then it is no rejection, and nothing is refreshed',
  async (outcome) => {
    const remote = new Remote({ chat: () => outcome })
    const renewal = renewing(remote)
    const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
    expect(await provider.chat(request)).toBe(outcome)
    expect([remote.tokens, renewal.count]).toEqual([['old'], 0])
  },
)

test('[P2] given a rejection with a challenge, when the provider refreshes, then the refresh function gets the challenge', async () => {
  const challenge = 'Bearer error="invalid_token", claims="e30="'
  const remote = new Remote({
    chat: ({ token }) => (token === 'old' ? { ...rejection(), challenge } : success),
  })
  const challenges: unknown[] = []
  const provider = new RefreshingProvider(remote.provider('old'), async (context) => {
    challenges.push([context.cause, context.challenge, context.current?.generation])
    return remote.provider('new')
  })
  expect(await provider.chat(request)).toBe(success)
  expect(challenges).toEqual([['rejected', challenge, 1]])
})

test.each([
  ['an error with a status', Object.assign(new Error('no'), { status: 401 })],
  ['an error with a message', new Error('Request failed with status 401')],
  ['a cause', new TypeError('terminated', { cause: { statusCode: 401 } })],
  ['no error at all', 'HTTP 401'],
])(
  '[P3] given a rejection that is thrown (%s), when chat is called, then the provider refreshes and tries again',
  async (_, thrown) => {
    const remote = new Remote({
      chat: ({ token }) => (token === 'old' ? Promise.reject(thrown) : success),
    })
    const renewal = renewing(remote)
    const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
    expect(await provider.chat(request)).toBe(success)
    expect([remote.tokens, renewal.count]).toEqual([['old', 'new 1'], 1])
  },
)

test.each([
  new TypeError('fetch failed'),
  new RefreshError('credential_missing', 'unauthorized: log in first'),
  Object.assign(new Error('authentication quota'), { status: 429 }),
  undefined,
  null,
  0,
])(
  '[P3] given any other error (%s), when chat throws it, then the caller gets it unchanged, and nothing is refreshed',
  async (thrown) => {
    const remote = new Remote({ chat: () => Promise.reject(thrown) })
    const renewal = renewing(remote)
    const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
    const caught = await provider.chat(request).then(
      () => 'no throw',
      (error: unknown) => ({ error }),
    )
    expect(caught).toEqual({ error: thrown })
    expect([remote.tokens, renewal.count]).toEqual([['old'], 0])
  },
)

test('[P3] given a chat that throws before it returns a promise, when the error is a rejection, then it is retried', async () => {
  const remote = expiring()
  const inner: LlmProvider = Object.assign(remote.provider('old'), {
    chat: (): Promise<ChatOutcome> => {
      throw Object.assign(new Error('no token'), { status: 401 })
    },
  })
  const renewal = renewing(remote)
  expect(await new RefreshingProvider(inner, renewal.refresh).chat(request)).toBe(success)
  expect(renewal.count).toBe(1)
})

test('[P4] given a refresh that fails, when chat returns a rejection, then the caller gets that very outcome, and events tell why', async () => {
  const original = rejection()
  const remote = new Remote({ chat: () => original })
  const cause = new Error('token endpoint: 500')
  const failure = failing(cause)
  const { heard, types, onEvent } = listener()
  const provider = new RefreshingProvider(remote.provider('old'), failure.refresh, { onEvent })
  expect(await provider.chat(request)).toBe(original)
  expect([remote.tokens, failure.count]).toEqual([['old'], 1])
  expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_failed', 'not_retried'])
  expect(heard.at(-1)).toMatchObject({ generation: 1, error: { code: 'refresh_failed', cause } })
})

test('[P4] given a refresh that fails, when chat throws a rejection, then the caller gets that very error', async () => {
  const original = Object.assign(new Error('no'), { status: 401 })
  const remote = new Remote({ chat: () => Promise.reject(original) })
  const { types, onEvent } = listener()
  const provider = new RefreshingProvider(remote.provider('old'), failing(new Error('down')).refresh, {
    onEvent,
  })
  await expect(provider.chat(request)).rejects.toBe(original)
  expect([remote.tokens, types().at(-1)]).toEqual([['old'], 'not_retried'])
})

test('[P4] given a listener that throws or rejects, when events occur, then nothing else changes', async () => {
  const original = rejection()
  const remote = new Remote({ chat: () => original })
  for (const onEvent of [
    () => {
      throw new Error('observer')
    },
    (): Promise<never> => Promise.reject(new Error('observer')),
  ]) {
    const provider = new RefreshingProvider(remote.provider('old'), failing('down').refresh, { onEvent })
    expect(await provider.chat(request)).toBe(original)
  }
})

test('[P7] given a second rejection, when chat returns it, then the caller gets it unchanged, after two attempts and one refresh', async () => {
  const outcomes = [rejection(), rejection(), success]
  const remote = new Remote({ chat: () => outcomes[remote.attempts.length - 1] ?? success })
  const renewal = renewing(remote)
  const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
  expect(await provider.chat(request)).toBe(outcomes[1])
  expect([remote.tokens, renewal.count]).toEqual([['old', 'new 1'], 1])
})

test('[P7] given a second rejection, when chat throws it, then the caller gets it unchanged', async () => {
  const second = Object.assign(new Error('again'), { status: 401 })
  for (const first of [async () => rejection(), () => Promise.reject(new Error('HTTP 401'))]) {
    const remote = new Remote({ chat: ({ token }) => (token === 'old' ? first() : Promise.reject(second)) })
    const renewal = renewing(remote)
    const provider = new RefreshingProvider(remote.provider('old'), renewal.refresh)
    await expect(provider.chat(request)).rejects.toBe(second)
    expect([remote.tokens, renewal.count]).toEqual([['old', 'new 1'], 1])
  }
})
