import { describe, expect, test } from 'vitest'
import { languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import type { StreamDelta } from '../../../src/surfaces/provider/index.ts'
import { collect } from './deltas.ts'
import { fakeModel } from './fake-model.ts'
import { MODELS, modelNamed } from './models.ts'
import { STREAMED } from './said.ts'
import { anthropicError, googleError, openAIError } from './vendor-errors.ts'
import { chatChunk, eventStream, json, recorded, type Wire } from './wire.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }

/** What a vendor says inside of a stream whose status was 200. */
interface InStream {
  wire: Wire
  event: object
  delta: Partial<Extract<StreamDelta, { type: 'error' }>>
}

const IN_STREAM: InStream[] = [
  {
    wire: 'anthropic',
    event: anthropicError('authentication_error', 'OAuth token has expired.'),
    delta: {
      kind: 'invalid_request',
      status: 401,
      code: 'authentication_error',
      message: 'OAuth token has expired.',
    },
  },
  {
    wire: 'anthropic',
    event: anthropicError('overloaded_error', 'Overloaded'),
    delta: { kind: 'server_error', status: 529, code: 'overloaded_error', message: 'Overloaded' },
  },
  {
    wire: 'anthropic',
    event: anthropicError('rate_limit_error', 'Slow down.'),
    delta: { kind: 'rate_limited', status: 429, code: 'rate_limit_error', message: 'Slow down.' },
  },
  {
    wire: 'openai-chat',
    event: openAIError('invalid_request_error', 'invalid_api_key', 'Incorrect API key.'),
    delta: { kind: 'invalid_request', status: 401, code: 'invalid_api_key', message: 'Incorrect API key.' },
  },
  {
    wire: 'openai-chat',
    event: openAIError('server_error', null, 'The server had an error.'),
    delta: { kind: 'server_error', status: 500, code: 'server_error', message: 'The server had an error.' },
  },
  {
    wire: 'openai-responses',
    event: {
      type: 'error',
      sequence_number: 1,
      error: { type: 'invalid_request_error', code: 'token_expired', message: 'Expired.', param: null },
    },
    delta: { kind: 'invalid_request', status: 401, code: 'token_expired', message: 'Expired.' },
  },
  {
    wire: 'openai-responses',
    event: {
      type: 'response.failed',
      sequence_number: 1,
      response: { error: { code: 'rate_limit_exceeded', message: 'Slow down.' }, incomplete_details: null },
    },
    delta: { kind: 'rate_limited', status: 429, code: 'rate_limit_exceeded', message: 'Slow down.' },
  },
  {
    wire: 'google',
    event: googleError(401, 'UNAUTHENTICATED', 'Token expired.'),
    delta: { kind: 'invalid_request', status: 401, code: 'UNAUTHENTICATED', message: 'Token expired.' },
  },
  {
    wire: 'google',
    event: googleError(503, 'UNAVAILABLE', 'The model is overloaded.'),
    delta: { kind: 'server_error', status: 503, code: 'UNAVAILABLE', message: 'The model is overloaded.' },
  },
]

const everyInStream = MODELS.flatMap((model) =>
  IN_STREAM.filter(({ wire }) => wire === model.wire).map((said) => ({
    ...model,
    ...said,
    is: `${said.delta.code}`,
  })),
)

describe.each(everyInStream)('$name, in the stream: $is', ({ name, wire, create, event, delta }) => {
  // This one knows no such event: to it the stream just ends.
  const unknown = name === 'openai responses v2' && 'response' in event
  const expected = unknown ? { kind: 'connection' } : delta

  test.each([
    ['before any content', 0],
    ['after some', STREAMED[wire].length - 3],
  ])('given the error %s, when the stream is read, then it is the last delta', async (_, position) => {
    const events = [...STREAMED[wire].slice(0, position), event]
    const { fetch } = recorded(() => eventStream(wire, events))
    const deltas = await collect(languageModelProvider(create({ fetch })).chatStream(HELLO))
    expect(deltas.at(-1)).toMatchObject({ type: 'error', ...expected })
    expect(deltas.length > 1).toBe(position > 0)
  })
})

test.each([
  ['as the AI SDK expects it', { type: 'tokens' }],
  ['as it does not', {}],
])(
  'given an error in a 200 that is no stream, %s, when it is read, then its code tells the kind',
  async (_, more) => {
    const error = { code: 'rate_limit_exceeded', message: 'Slow down.', ...more }
    const body = {
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      status: 'failed',
      model: 'm',
      output: [],
      error,
    }
    const { fetch } = recorded(() => json(body))
    const provider = languageModelProvider(modelNamed('openai responses v4').create({ fetch }))
    expect(await provider.chat(HELLO)).toEqual({ type: 'rate_limited' })
  },
)

test.each(MODELS)(
  '$name: given an unreadable response, when it is read, then it is a fault of the server',
  async ({ wire, create }) => {
    const unreadable = { kind: 'server_error', message: expect.stringContaining('could not be read') }
    const whole = languageModelProvider(create(recorded(() => new Response('<html>Sign in</html>'))))
    const { kind: type, message } = unreadable
    expect(await whole.chat(HELLO)).toEqual({ type, message, status: 200 })
    const torn = languageModelProvider(
      create(recorded(() => eventStream(wire, [...STREAMED[wire].slice(0, 1), 17]))),
    )
    expect((await collect(torn.chatStream(HELLO))).at(-1)).toMatchObject(unreadable)
  },
)

test('given an error with nothing but a message, when it is read, then the message decides', async () => {
  const parts = [{ type: 'error', error: 'It broke.' }]
  const deltas = await collect(languageModelProvider(fakeModel({ parts })).chatStream(HELLO))
  expect(deltas).toEqual([{ type: 'error', kind: 'unknown', message: 'It broke.' }])
})

test('given an error in an unexpected shape, when it is read, then it is recognized all the same', async () => {
  const name = 'AI_TypeValidationError'
  const value = googleError(401, 'UNAUTHENTICATED', 'Token expired.')
  const parts = [
    { type: 'error', error: Object.assign(new Error('Type validation failed'), { name, value }) },
  ]
  const deltas = await collect(languageModelProvider(fakeModel({ parts })).chatStream(HELLO))
  expect(deltas).toMatchObject([{ kind: 'invalid_request', status: 401, message: 'Token expired.' }])
})

test('given an error of another package, when it is read, then its fields decide', async () => {
  const error = Object.assign(new Error('No.'), { statusCode: 401, type: 'authentication_error' })
  const outcome = await languageModelProvider(fakeModel({ error })).chat(HELLO)
  expect(outcome).toMatchObject({ type: 'invalid_request', status: 401, message: 'No.' })
})

test('given a stream that finishes with an unnamed error, when it is read, then it is a failure', async () => {
  const chunks = [chatChunk([{ index: 0, delta: { content: 'Hm' } }]), openAIError('odd', 'odd', 'Odd.')]
  const { fetch } = recorded(() => eventStream('openai-chat', chunks))
  const deltas = await collect(
    languageModelProvider(modelNamed('openai chat v2').create({ fetch })).chatStream(HELLO),
  )
  expect(deltas.at(-1)).toEqual({ type: 'error', kind: 'unknown', message: 'Odd.', code: 'odd' })
})
