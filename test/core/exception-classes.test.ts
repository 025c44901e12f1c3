import { expect, test } from 'vitest'
import { isUnauthorizedError } from '../../src/index.ts'
import { FirstEvent } from '../../src/surfaces/shared/first-event.ts'
import { ResponseJudge } from '../../src/surfaces/shared/response-judge.ts'

const judge = new ResponseJudge(undefined)
const page = (title: string): string =>
  `<html><head><title>${title}</title></head>\n<body><h2>HTTP ERROR: 400</h2></body></html>`

/** Frameworks that answer with the exception of the library that checks a JWT, and its class before the sentence. */
const EXPIRED: readonly (readonly [status: number, body: unknown])[] = [
  [
    400,
    { message: 'io.jsonwebtoken.ExpiredJwtException: JWT expired at 2025-12-17T08:11:02Z. Current time: x' },
  ],
  [400, page('Error 400 io.jsonwebtoken.ExpiredJwtException: JWT expired at 2025-12-17T08:11:02Z.')],
  [403, { error: 'ExpiredJwtException' }],
  [403, { code: 'ERR_JWT_EXPIRED', message: '"exp" claim timestamp check failed' }],
  [403, { error: 'ExpiredSignatureError', message: 'no' }],
  [403, { detail: 'Signature has expired.' }],
  [403, { error: 'JsonWebTokenError: invalid token' }],
  [403, page('Token expired')],
]
const OTHERS: readonly (readonly [status: number, body: unknown])[] = [
  [400, { message: 'io.example.PromptException: the prompt says: JWT expired at noon' }],
  [400, page('Error 400 java.lang.IllegalArgumentException: token limit expired')],
  [403, { error: 'ExpiredPromotionException' }],
  [403, { code: 'ERR_JOB_EXPIRED', message: 'the job has expired' }],
  [403, { error: 'RefreshTokenExpiredException: the refresh token has expired' }],
  [403, { detail: 'The coupon code has expired.' }],
  [403, { error: 'ValidationError: invalid token count' }],
  [403, page('Access denied')],
]

test('the corpus has as many rejections as other errors', () => {
  expect(EXPIRED.length).toBe(OTHERS.length)
})

test.each([
  ...EXPIRED.map((row) => [...row, true] as const),
  ...OTHERS.map((row) => [...row, false] as const),
])(
  "[U4, U6] given an exception's class or sentence with %i: %j, then it is a rejection: %s",
  (status, body, rejected) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    expect(judge.answer(status, {}, text).rejected).toBe(rejected)
    expect(isUnauthorizedError({ status, body })).toBe(rejected)
  },
)

test.each([
  ['401 UNAUTHENTICATED — ACCESS_TOKEN_TYPE_UNSUPPORTED', true],
  ['jwt.exceptions.ExpiredSignatureError: Signature has expired', true],
  ['Request failed: ACCESS_TOKEN_TYPE_UNSUPPORTED', false],
  ['jwt.exceptions.InvalidAlgorithmError: The specified alg value is not allowed', false],
])(
  '[U2] given a message %j with a status and a name, then the client’s own status decides before the name in the body: %s',
  (message, rejected) => {
    expect(isUnauthorizedError(new Error(message))).toBe(rejected)
  },
)

/** The first event of a stream, and its verdict; undefined where it is no error. */
function firstOf(stream: string): boolean | undefined {
  const first = new FirstEvent()
  const event = first.push(new TextEncoder().encode(stream)) ?? first.end()
  return event === 'none' ? undefined : judge.event(event)?.rejected
}

test.each<[string, boolean | undefined]>([
  // An error's bare JSON, in place of events.
  ['{"error":{"code":"invalid_api_key"}}', true],
  ['{\n  "error": {\n    "message": "no",\n    "code": 401\n  }\n}\n\n', true],
  ['{"error":{"code":"rate_limit_exceeded"}}', false],
  ['{"id":"x","choices":[{"message":{"content":"401 Unauthorized"}}]}', undefined],
  // Dify, vLLM and Mistral say in the data what it is.
  [
    'data: {"event":"error","status":401,"code":"unauthorized","message":"Access token is invalid"}\n\n',
    true,
  ],
  ['data: {"object":"error","message":"Unauthorized","type":"AuthenticationError","code":401}\n\n', true],
  ['data: {"event":"error","status":400,"code":"completion_request_error","message":"401"}\n\n', false],
  ['data: {"event":"message","answer":"error 401: Unauthorized"}\n\n', undefined],
  // The event's own name.
  ['event: token_expired\ndata: null\n\n', true],
  ['event: unauthorized\ndata: {}\n\n', true],
  ['event: message\ndata: {"text":"unauthorized"}\n\n', undefined],
  ['event: rate_limited\ndata: {"message":"unauthorized"}\n\n', undefined],
])('[F5, U6] given the event stream %j, then its first event is a rejection: %s', (stream, rejected) => {
  expect(firstOf(stream)).toBe(rejected)
})
