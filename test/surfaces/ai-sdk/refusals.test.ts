import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import type { ChatOutcome } from '../../../src/surfaces/provider/index.ts'
import { collect } from './deltas.ts'
import { MODELS } from './models.ts'
import { anthropicError, errorInfo, googleError, openAIError } from './vendor-errors.ts'
import { recorded, type Wire } from './wire.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-22T12:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

/** An answer of a vendor, and the outcome it is. */
interface Refusal {
  what: string
  status: number
  body: object | string
  headers?: Record<string, string>
  outcome: Exclude<ChatOutcome, { type: 'success' }>
}

const ANTHROPIC: Refusal[] = [
  {
    what: 'a token that has expired',
    status: 401,
    body: anthropicError('authentication_error', 'OAuth token has expired.'),
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    outcome: {
      type: 'invalid_request',
      message: 'OAuth token has expired.',
      status: 401,
      code: 'authentication_error',
      challenge: 'Bearer error="invalid_token"',
    },
  },
  {
    what: 'a token that was revoked',
    status: 403,
    body: anthropicError('permission_error', 'OAuth token has been revoked.'),
    outcome: {
      type: 'invalid_request',
      message: 'OAuth token has been revoked.',
      status: 403,
      code: 'permission_error',
    },
  },
  {
    what: 'too many requests, with seconds',
    status: 429,
    body: anthropicError('rate_limit_error', 'Slow down.'),
    headers: { 'retry-after': '7' },
    outcome: { type: 'rate_limited', retryAfterMs: 7000 },
  },
  {
    what: 'too much load',
    status: 529,
    body: anthropicError('overloaded_error', 'Overloaded'),
    outcome: { type: 'server_error', message: 'Overloaded', status: 529, code: 'overloaded_error' },
  },
]

const OPENAI: Refusal[] = [
  {
    what: 'a key that is no good',
    status: 401,
    body: openAIError('invalid_request_error', 'invalid_api_key', 'Incorrect API key.'),
    outcome: { type: 'invalid_request', message: 'Incorrect API key.', status: 401, code: 'invalid_api_key' },
  },
  {
    what: 'a request that is no good',
    status: 400,
    body: openAIError('invalid_request_error', null, 'Unknown parameter.'),
    outcome: {
      type: 'invalid_request',
      message: 'Unknown parameter.',
      status: 400,
      code: 'invalid_request_error',
    },
  },
  {
    what: 'too many requests, with milliseconds',
    status: 429,
    body: openAIError('requests', 'rate_limit_exceeded', 'Slow down.'),
    headers: { 'retry-after-ms': '1500', 'retry-after': '2' },
    outcome: { type: 'rate_limited', retryAfterMs: 1500 },
  },
  {
    what: 'too many requests, with a date',
    status: 429,
    body: openAIError('requests', 'rate_limit_exceeded', 'Slow down.'),
    headers: { 'retry-after': 'Sun, 22 Nov 2026 12:00:30 GMT' },
    outcome: { type: 'rate_limited', retryAfterMs: 30_000 },
  },
  {
    what: 'too many requests, without a word on when',
    status: 429,
    body: '',
    outcome: { type: 'rate_limited' },
  },
  {
    what: 'a page of a proxy',
    status: 502,
    body: '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>',
    outcome: { type: 'server_error', message: '502 Bad Gateway', status: 502 },
  },
  {
    what: "Databricks' words for a token that has expired",
    status: 403,
    body: { error_code: 403, message: 'Invalid access token. [ReqId: 1]' },
    outcome: {
      type: 'invalid_request',
      message: 'Invalid access token. [ReqId: 1]',
      status: 403,
      code: '403',
    },
  },
  {
    what: "Azure's words for a token that has expired",
    status: 401,
    body: { error: { code: 'ExpiredAuthenticationToken', message: 'The access token expired.' } },
    outcome: {
      type: 'invalid_request',
      message: 'The access token expired.',
      status: 401,
      code: 'ExpiredAuthenticationToken',
    },
  },
]

const GOOGLE: Refusal[] = [
  {
    what: 'a token that has expired',
    status: 401,
    body: googleError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'),
    outcome: {
      type: 'invalid_request',
      message: 'Request had invalid authentication credentials.',
      status: 401,
      code: 'UNAUTHENTICATED',
    },
  },
  {
    what: 'a key that has expired',
    status: 400,
    body: googleError(400, 'INVALID_ARGUMENT', 'API key expired.', errorInfo('API_KEY_INVALID')),
    outcome: { type: 'invalid_request', message: 'API key expired.', status: 400, code: 'API_KEY_INVALID' },
  },
  {
    what: 'too many requests, with a delay in the body',
    status: 429,
    body: googleError(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.', {
      '@type': 'type.googleapis.com/google.rpc.RetryInfo',
      retryDelay: '37.5s',
    }),
    outcome: { type: 'rate_limited', retryAfterMs: 37_500 },
  },
  {
    what: 'a model that is not there for now',
    status: 503,
    body: googleError(503, 'UNAVAILABLE', 'The model is overloaded.'),
    outcome: { type: 'server_error', message: 'The model is overloaded.', status: 503, code: 'UNAVAILABLE' },
  },
]

const REFUSALS: Readonly<Record<Wire, Refusal[]>> = {
  anthropic: ANTHROPIC,
  'openai-chat': OPENAI,
  'openai-responses': OPENAI,
  google: GOOGLE,
}

const everyRefusal = MODELS.flatMap((model) =>
  REFUSALS[model.wire].map((refusal) => ({ ...model, ...refusal })),
)

describe.each(everyRefusal)('$name: $what', ({ create, status, body, headers, outcome }) => {
  const answer = (): Response =>
    new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers: headers ?? {} })

  test('given this refusal, when chat is called, then it is an outcome, after one request', async () => {
    const { fetch, sent } = recorded(answer)
    expect(await languageModelProvider(create({ fetch })).chat(HELLO)).toEqual(outcome)
    expect(sent).toHaveLength(1)
  })

  test('given this refusal, when a stream is read, then it is the only delta, after one request', async () => {
    const { fetch, sent } = recorded(answer)
    const deltas = await collect(languageModelProvider(create({ fetch })).chatStream(HELLO))
    const { type: kind, ...facts } = outcome
    expect(deltas).toMatchObject([{ type: 'error', kind, ...facts }])
    expect(deltas[0]).toMatchObject({ status })
    expect(sent).toHaveLength(1)
  })
})
