// The answers of the vendors' services, as bodies and inside the errors that their clients make of them.
import { APICallError } from '@ai-sdk/provider'
import { expect, test } from 'vitest'
import { verdict } from '../../src/core/verdict/unauthorized.ts'
import { isUnauthorizedError } from '../../src/index.ts'
import { OTHERS, REJECTIONS, type VendorAnswer } from '../support/vendor-answers.ts'

/** The answer inside all the errors that clients make of it, where its status is known. */
function errorsOf({ status, body, headers = {} }: VendorAnswer): Record<string, unknown> {
  const json = typeof body === 'string' ? body : JSON.stringify(body)
  const inner: unknown = typeof body === 'object' && body !== null && 'error' in body ? body.error : body
  const apiCallError = new APICallError({
    message: 'Forbidden',
    url: 'https://vendor.example/v1',
    // The request is not the answer: what it says is not read.
    requestBodyValues: { messages: [{ role: 'user', content: 'why is my API key not valid? HTTP 401' }] },
    statusCode: status,
    responseHeaders: headers,
    responseBody: json,
  })
  const headersObject = new Headers(headers)
  return {
    'AI SDK': apiCallError,
    'AI SDK, with data': Object.assign(new Error('no'), {
      statusCode: status,
      data: body,
      responseHeaders: headers,
    }),
    'AI SDK, retried': Object.assign(new Error('Failed after 3 attempts.'), {
      name: 'AI_RetryError',
      reason: 'maxRetriesExceeded',
      errors: [new TypeError('fetch failed'), apiCallError],
      lastError: apiCallError,
    }),
    'OpenAI SDK': Object.assign(new Error(`${status} no`), {
      status,
      headers: headersObject,
      requestID: 'req_1',
      error: inner,
      ...(typeof inner === 'object' && inner),
    }),
    'Anthropic SDK': Object.assign(new Error(`${status} ${json}`), {
      status,
      headers: headersObject,
      error: body,
    }),
    'Azure RestError': Object.assign(new Error('no'), {
      name: 'RestError',
      code: 'REST_ERROR',
      statusCode: status,
      details: body,
      response: { status, headers: headersObject, bodyAsText: json },
    }),
    'AWS SDK': Object.assign(new Error(typeof body === 'string' ? body : 'no'), {
      ...(typeof body === 'object' && body),
      $fault: 'client',
      $metadata: { httpStatusCode: status, attempts: 1 },
      headers,
    }),
    axios: Object.assign(new Error(`Request failed with status code ${status}`), {
      code: 'ERR_BAD_REQUEST',
      response: { status, data: body, headers },
    }),
    'a chat outcome': {
      type: 'invalid_request',
      status,
      message: json,
      challenge: headers['www-authenticate'],
    },
    cause: new Error('failed', { cause: new TypeError('terminated', { cause: apiCallError }) }),
    errors: new AggregateError([new Error('first'), apiCallError], 'all failed'),
  }
}

test.each(Object.entries(REJECTIONS))('[U3] %s: a rejection in the error of every client', (_, answer) => {
  const verdicts = Object.entries(errorsOf(answer)).map(([client, error]) => [client, verdict(error)])
  expect(verdicts).toEqual(
    verdicts.map(([client]) => [client, expect.objectContaining({ rejected: true, status: answer.status })]),
  )
})

test.each(Object.entries(REJECTIONS))(
  '[U3] %s: a rejection as a body without a status, parsed or not',
  (_, answer) => {
    const { body, headers } = answer
    const json = typeof body === 'string' ? body : JSON.stringify(body)
    for (const bare of [
      body,
      json,
      [body],
      ` \n${json}`,
      new Error(json),
      { type: 'error', message: json, headers },
    ]) {
      expect([bare, isUnauthorizedError(bare)]).toEqual([bare, true])
    }
  },
)

test.each(Object.entries(OTHERS))('[U3, U4] %s: no rejection in the error of any client', (_, answer) => {
  const verdicts = Object.entries(errorsOf(answer)).map(([client, error]) => [client, verdict(error)])
  expect(verdicts).toEqual(
    verdicts.map(([client]) => [client, expect.objectContaining({ rejected: false, status: answer.status })]),
  )
})

test('[U3] given a fetch Response, then its status and its headers are judged, and its body stays unread', async () => {
  for (const [status, headers, rejected] of [
    [401, {}, true],
    [200, {}, false],
    [403, {}, false],
    [403, { 'www-authenticate': 'Bearer error="invalid_token"' }, true],
    [403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }, false],
    [400, { 'x-amzn-errortype': 'ExpiredTokenException:http://x/' }, true],
    [500, { 'www-authenticate': 'Bearer error="invalid_token"' }, false],
  ] as const) {
    const response = new Response('body', { status, headers })
    expect(verdict(response)).toMatchObject({ rejected, status })
    expect([response.bodyUsed, await response.text()]).toEqual([false, 'body'])
  }
})

test('[U3] given a challenge in headers of any kind, then the verdict has it', () => {
  const challenge = 'Bearer error="invalid_token"'
  for (const headers of [
    new Headers({ 'www-authenticate': challenge }),
    new Map([['www-authenticate', challenge]]),
    { 'www-authenticate': challenge },
    { 'WWW-Authenticate': challenge },
  ]) {
    expect(verdict({ status: 401, headers })).toMatchObject({ rejected: true, challenge })
    expect(verdict({ statusCode: 403, cause: { responseHeaders: headers } })).toMatchObject({
      rejected: true,
      challenge,
    })
  }
})

test('[U3] given a gRPC error, then UNAUTHENTICATED is a rejection, by number and by name, and no other number is', () => {
  const grpc = (code: number, details: string): Error =>
    Object.assign(new Error(`${code} ${details}`), { code, details, metadata: {} })
  expect(verdict(grpc(16, 'no'))).toMatchObject({ rejected: true, rule: 'grpc_unauthenticated' })
  expect(isUnauthorizedError(new Error('no', { cause: grpc(16, 'no') }))).toBe(true)
  expect(isUnauthorizedError(new Error('16 UNAUTHENTICATED: no'))).toBe(true)
  for (const code of [3, 7, 8, 13, 14]) {
    expect(isUnauthorizedError(grpc(code, 'authentication service unavailable'))).toBe(false)
  }
  // A number that is no gRPC status.
  expect(isUnauthorizedError({ code: 16, message: 'no' })).toBe(false)
})

test('[U3] given several tries, then the last error counts', () => {
  const busy = Object.assign(new Error('busy'), { statusCode: 503 })
  const expired = Object.assign(new Error('expired'), { statusCode: 401 })
  const retryError = (...errors: Error[]): unknown => ({ errors, lastError: errors.at(-1) })
  expect(verdict(retryError(busy, busy, expired))).toMatchObject({ rejected: true, status: 401 })
  expect(verdict(retryError(expired, busy))).toMatchObject({ rejected: false, status: 503 })
})

test('[U3] given an error inside a stream, then its codes and words decide, because it has no status', () => {
  const inStream: [unknown, boolean][] = [
    [{ type: 'error', error: { type: 'authentication_error', message: 'expired' } }, true],
    [{ type: 'error', kind: 'unknown', message: 'no', code: 'invalid_api_key' }, true],
    [{ type: 'response.failed', response: { error: { code: 'token_expired', message: 'no' } } }, true],
    [{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, false],
    [{ type: 'error', kind: 'connection', message: 'terminated' }, false],
  ]
  expect(inStream.map(([error]) => [error, isUnauthorizedError(error)])).toEqual(inStream)
})
