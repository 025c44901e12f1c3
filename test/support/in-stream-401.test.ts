import { afterAll, beforeEach, expect, test } from 'vitest'
import { Gate } from './gate.ts'
import { startLlmServer } from './llm-server.ts'

const server = await startLlmServer({ accepts: (token) => token === 'good', answer: 'One, two.' })
afterAll(() => server.close())
beforeEach(() => {
  server.refuse('status')
  server.hold(undefined)
  server.answer('One, two.', { chunkSize: 5 })
})

const chat = { model: 'm', messages: [{ role: 'user', content: 'Hello?' }] }

/** The path and request by which each wire protocol streams, and the error event that ends its stream. */
const STREAMS: Record<string, { path: string; request: object; error: RegExp }> = {
  'Anthropic messages': {
    path: '/v1/messages',
    request: { ...chat, max_tokens: 9, stream: true },
    error: /^event: error\ndata: \{"type":"error","error":\{"type":"authentication_error",.*\}\n\n$/,
  },
  'OpenAI chat': {
    path: '/v1/chat/completions',
    request: { ...chat, stream: true },
    error: /^data: \{"error":\{.*"code":"token_expired"\}\}\n\n$/,
  },
  'OpenAI responses': {
    path: '/v1/responses',
    request: { model: 'm', input: 'Hello?', stream: true },
    error: /^event: error\ndata: \{"type":"error",.*"error":\{.*"code":"token_expired".*\}\}\n\n$/,
  },
  Google: {
    path: '/v1beta/models/m:streamGenerateContent?alt=sse',
    request: { contents: [{ role: 'user', parts: [{ text: 'Hello?' }] }] },
    error: /^data: \{"error":\{"code":401,.*"status":"UNAUTHENTICATED"\}\}\n\n$/,
  },
}

function ask(path: string, request: object, token: string): Promise<Response> {
  return fetch(server.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })
}

test.each(Object.entries(STREAMS))(
  '%s: a stream can be turned away with its first event',
  async (_name, stream) => {
    server.refuse('first_event')
    const rejections = server.rejections()
    const response = await ask(stream.path, stream.request, 'bad')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await response.text()).toMatch(stream.error)
    expect(server.rejections() - rejections).toBe(1)
  },
)

test.each(Object.entries(STREAMS))(
  '%s: a stream can be turned away after its first content',
  async (_name, stream) => {
    server.refuse('after_content')
    const body = await (await ask(stream.path, stream.request, 'bad')).text()
    const events = body.split(/(?<=\n\n)/)
    expect(events.at(-1)).toMatch(stream.error)
    expect(events.slice(0, -1).join('')).toContain('One,')
    expect(body).not.toContain('two')
  },
)

test.each(Object.entries(STREAMS))('%s: a good token gets the whole stream', async (_name, stream) => {
  server.refuse('first_event')
  const body = await (await ask(stream.path, stream.request, 'good')).text()
  expect(body).toContain('two')
  expect(body).not.toMatch(/expired|UNAUTHENTICATED/)
})

test('OpenAI responses: a stream can begin with a response that has failed', async () => {
  server.refuse('failed_response')
  const { path, request } = STREAMS['OpenAI responses'] ?? expect.fail()
  expect(await (await ask(path, request, 'bad')).text()).toMatch(
    /^event: response\.failed\ndata: \{"type":"response\.failed".*"token_expired".*\}\n\n$/,
  )
})

test('a call that does not stream is turned away by its status', async () => {
  for (const how of ['first_event', 'failed_response', 'after_content'] as const) {
    server.refuse(how)
    const response = await ask('/v1/chat/completions', chat, 'bad')
    expect([response.status, await response.json()]).toMatchObject([
      401,
      { error: { code: 'invalid_api_key' } },
    ])
  }
})

test('a stream can be held after its first content', async () => {
  const gate = new Gate()
  gate.hold(1)
  server.hold(() => gate.pass())
  const response = await ask('/v1/chat/completions', { ...chat, stream: true }, 'good')
  const pieces = response.body?.pipeThrough(new TextDecoderStream()).values() ?? expect.fail()
  let said = ''
  while (!said.includes('One')) said += (await pieces.next()).value ?? expect.fail()
  await gate.holding(1)
  expect(said).not.toContain('two')
  gate.release()
  for await (const piece of pieces) said += piece
  expect(said).toContain('two')
  expect(said).toContain('[DONE]')
})
