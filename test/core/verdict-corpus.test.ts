import { expect, test } from 'vitest'
import type { ErrorFacts } from '../../src/core/verdict/facts.ts'
import { verdict } from '../../src/core/verdict/unauthorized.ts'
import { isUnauthorizedError } from '../../src/index.ts'
import { FirstEvent, type ServerSentEvent } from '../../src/surfaces/shared/first-event.ts'
import { ResponseJudge } from '../../src/surfaces/shared/response-judge.ts'
import { EVENT_OTHERS, EVENT_REJECTIONS } from './corpus/events.ts'
import { FIELD_OTHERWISE, FIELD_REJECTED } from './corpus/field-sentences.ts'
import {
  FIELD_EVENT_OTHERS,
  FIELD_EVENT_REJECTIONS,
  FIELD_HTTP_OTHERS,
  FIELD_HTTP_REJECTIONS,
  FIELD_THROWN_OTHERS,
  FIELD_THROWN_REJECTIONS,
} from './corpus/field-shapes.ts'
import {
  GATEWAY_EVENT_OTHERS,
  GATEWAY_EVENT_REJECTIONS,
  GATEWAY_HTTP_OTHERS,
  GATEWAY_HTTP_REJECTIONS,
  GATEWAY_SAY_OTHERWISE,
  GATEWAY_SAY_REJECTED,
  GATEWAY_THROWN_OTHERS,
  GATEWAY_THROWN_REJECTIONS,
} from './corpus/gateways.ts'
import { HTTP_OTHERS } from './corpus/http-others.ts'
import { HTTP_REJECTIONS } from './corpus/http-rejections.ts'
import { SAY_OTHERWISE, SAY_REJECTED } from './corpus/sentences.ts'
import {
  SUCCESS_EVENT_OTHERS,
  SUCCESS_EVENT_REJECTIONS,
  SUCCESS_HTTP_OTHERS,
  SUCCESS_HTTP_REJECTIONS,
} from './corpus/successes.ts'
import { THROWN_OTHERS, THROWN_REJECTIONS } from './corpus/thrown.ts'
import type { EventShape, HttpShape } from './corpus/types.ts'

const textOf = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body))

/** A response as each surface and client hands it to the verdict. */
function carriersOf({ status, body, headers }: HttpShape): Record<string, unknown> {
  const text = textOf(body)
  const responseHeaders = { 'content-type': 'application/json', ...headers }
  return {
    'AI SDK': Object.assign(new Error(`HTTP error`), {
      name: 'AI_APICallError',
      url: 'https://vendor.example/v1',
      requestBodyValues: { messages: [{ content: 'HTTP 401: invalid API key' }] },
      statusCode: status,
      responseHeaders,
      responseBody: text,
      data: body,
    }),
    // No client throws for a 200, and no provider makes an outcome of one.
    ...(status >= 400 && {
      'vendor SDK': Object.assign(new Error('no'), { status, headers: new Headers(headers), error: body }),
      outcome: { type: 'invalid_request', status, message: text, challenge: headers['www-authenticate'] },
    }),
    axios: Object.assign(new Error('no'), { response: { status, data: body, headers } }),
    cause: new Error('failed', { cause: new Error('again', { cause: { status, body: text, headers } }) }),
  }
}

const judge = new ResponseJudge(undefined)

for (const [shapes, rejected] of [
  [HTTP_REJECTIONS, true],
  [HTTP_OTHERS, false],
  [FIELD_HTTP_REJECTIONS, true],
  [FIELD_HTTP_OTHERS, false],
  [GATEWAY_HTTP_REJECTIONS, true],
  [GATEWAY_HTTP_OTHERS, false],
  [SUCCESS_HTTP_REJECTIONS, true],
  [SUCCESS_HTTP_OTHERS, false],
] as const) {
  test.each(
    shapes.map((shape) => [shape.vendor, shape.status, textOf(shape.body).slice(0, 70), shape] as const),
  )(`[U2, U3, U4] %s, %i %s: ${rejected ? 'a rejection' : 'none'}`, (_vendor, _status, _body, shape) => {
    const { status, headers, body } = shape
    expect(judge.answer(status, headers, textOf(body)).rejected).toBe(rejected)
    expect(judge.answer(status, new Headers(headers), textOf(body)).rejected).toBe(rejected)
    const verdicts = Object.entries(carriersOf(shape)).map(([name, error]) => [
      name,
      isUnauthorizedError(error),
    ])
    expect(verdicts).toEqual(verdicts.map(([name]) => [name, rejected]))
  })
}

test('[U3, U4] given a user’s rule for 200, when a 200 comes, then the rule’s facts show whether its body states a 401', () => {
  const inside = { statuses: [200], matches: ({ statedStatus }: ErrorFacts) => statedStatus === 401 }
  const asked = new ResponseJudge({ inside })
  for (const [shapes, rejected] of [
    [SUCCESS_HTTP_REJECTIONS, true],
    [SUCCESS_HTTP_OTHERS, false],
  ] as const) {
    for (const { body } of shapes)
      expect([body, asked.answer(200, {}, textOf(body)).rejected]).toEqual([body, rejected])
  }
  expect(SUCCESS_HTTP_REJECTIONS.length).toBe(SUCCESS_HTTP_OTHERS.length)
})

for (const [shapes, rejected] of [
  [THROWN_REJECTIONS, true],
  [THROWN_OTHERS, false],
  [FIELD_THROWN_REJECTIONS, true],
  [FIELD_THROWN_OTHERS, false],
  [GATEWAY_THROWN_REJECTIONS, true],
  [GATEWAY_THROWN_OTHERS, false],
] as const) {
  test.each(shapes.map((shape) => [shape.vendor, shape.source, shape.error] as const))(
    `[U3, U6] %s, %s: ${rejected ? 'a rejection' : 'none'}`,
    (_vendor, _source, error) => {
      expect([error, verdict(error)]).toEqual([error, expect.objectContaining({ rejected })])
      expect(isUnauthorizedError(new Error('failed', { cause: error }))).toBe(rejected)
    },
  )
}

/** The first event, out of the bytes of its stream. */
function read({ name, data }: EventShape): ServerSentEvent | 'none' {
  const first = new FirstEvent()
  const stream = `: hello\n\n${name && `event: ${name}\n`}data: ${textOf(data)}\n\n`
  return first.push(new TextEncoder().encode(stream)) ?? first.end()
}

for (const [shapes, rejected] of [
  [EVENT_REJECTIONS, true],
  [EVENT_OTHERS, false],
  [FIELD_EVENT_REJECTIONS, true],
  [FIELD_EVENT_OTHERS, false],
  [GATEWAY_EVENT_REJECTIONS, true],
  [GATEWAY_EVENT_OTHERS, false],
  [SUCCESS_EVENT_REJECTIONS, true],
  [SUCCESS_EVENT_OTHERS, false],
] as const) {
  test.each(shapes.map((shape) => [shape.vendor, textOf(shape.data).slice(0, 90), shape] as const))(
    `[U3, U6] as the first event, %s, %s: ${rejected ? 'a rejection' : 'none'}`,
    (_vendor, _data, shape) => {
      const event = read(shape)
      expect(event).not.toBe('none')
      expect(event !== 'none' && (judge.event(event)?.rejected ?? false)).toBe(rejected)
    },
  )
}

for (const [said, rejected] of [
  [SAY_REJECTED, true],
  [SAY_OTHERWISE, false],
  [FIELD_REJECTED, true],
  [FIELD_OTHERWISE, false],
  [GATEWAY_SAY_REJECTED, true],
  [GATEWAY_SAY_OTHERWISE, false],
] as const) {
  test.each(said.map(({ text }) => [text]))(`[U1, U6] %j: ${rejected ? 'a rejection' : 'none'}`, (text) => {
    const carriers = {
      text,
      error: new Error(text),
      cause: new Error('failed', { cause: new Error(text) }),
      outcome: { type: 'invalid_request', message: text },
      delta: { type: 'error', kind: 'unknown', message: text },
      body: { error: { message: text, type: null, code: null } },
    }
    const verdicts = Object.entries(carriers).map(([name, error]) => [name, isUnauthorizedError(error)])
    expect(verdicts).toEqual(verdicts.map(([name]) => [name, rejected]))
    // The same words beside a status that is known say nothing.
    if (!/scope/i.test(text)) expect(verdict({ status: 500, message: text }).rejected).toBe(false)
  })
}

test('[U3, U6] the corpus is large, and about half of its entries are rejections', () => {
  const shapes = [HTTP_REJECTIONS, THROWN_REJECTIONS, EVENT_REJECTIONS].flat().length
  const others = [HTTP_OTHERS, THROWN_OTHERS, EVENT_OTHERS].flat().length
  expect(shapes + others).toBeGreaterThanOrEqual(200)
  expect(SAY_REJECTED.length + SAY_OTHERWISE.length).toBeGreaterThanOrEqual(200)
  for (const part of [
    shapes / (shapes + others),
    SAY_REJECTED.length / (SAY_REJECTED.length + SAY_OTHERWISE.length),
  ]) {
    expect(part).toBeGreaterThan(0.4)
    expect(part).toBeLessThan(0.6)
  }
})
