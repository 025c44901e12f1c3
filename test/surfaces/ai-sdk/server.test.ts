import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import { type LlmServer, startLlmServer } from '../../support/llm-server.ts'
import { assembled, collect } from './deltas.ts'
import { MODELS } from './models.ts'
import type { Wire } from './wire.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }
const VENDOR = {
  anthropic: 'anthropic',
  'openai-chat': 'openai',
  'openai-responses': 'openai',
  google: 'google',
} as const satisfies Record<Wire, string>

let llm: LlmServer
beforeEach(async () => {
  llm = await startLlmServer({ accepts: (credential) => credential === 'good-token' })
})
afterEach(async () => {
  await llm.close()
})

// aimock serves no Anthropic on Vertex.
describe.each(MODELS.filter(({ name }) => !name.includes('on vertex')))('$name', ({ wire, create }) => {
  const vendor = VENDOR[wire]
  const provider = (token = 'good-token'): ReturnType<typeof languageModelProvider> =>
    languageModelProvider(create({ baseURL: llm.baseUrl[vendor], token }))

  test('given a server, when chat is called, then it returns the response after one request', async () => {
    llm.answer('Hello, you.')
    const outcome = await provider().chat(HELLO)
    expect(outcome).toMatchObject({
      type: 'success',
      response: { content: [{ type: 'text', text: 'Hello, you.' }], stopReason: 'end_turn' },
    })
    expect(llm.requests(vendor)).toBe(1)
  })

  test('given a server, when a stream is read, then it brings the response after one request', async () => {
    llm.answer({ content: 'Hello, you.', toolCalls: [{ name: 'weather', arguments: '{"city":"Oslo"}' }] })
    const deltas = await collect(provider().chatStream(HELLO))
    expect(assembled(deltas)).toMatchObject([
      { type: 'text', text: 'Hello, you.' },
      { type: 'tool_use', name: 'weather', input: { city: 'Oslo' } },
    ])
    expect(deltas.at(-1)).toEqual({ type: 'done', stopReason: 'tool_use' })
    expect(llm.requests(vendor)).toBe(1)
  })

  test('given a wrong credential, when chat or a stream is called, then the outcome, or the delta, is a rejection after one request', async () => {
    const rejected = { status: 401, code: expect.any(String), message: expect.any(String) }
    expect(await provider('stale').chat(HELLO)).toMatchObject({ type: 'invalid_request', ...rejected })
    expect(await collect(provider('stale').chatStream(HELLO))).toMatchObject([
      { type: 'error', kind: 'invalid_request', ...rejected },
    ])
    expect(llm.requests(vendor)).toBe(2)
    expect(llm.rejections(vendor)).toBe(2)
  })

  test('given a caller that aborts, when chat runs, then it throws the reason, and sends nothing after the abort', async () => {
    const leaving = new AbortController()
    const reason = new Error('I am leaving')
    llm.answer(async () => {
      leaving.abort(reason)
      await new Promise(() => {})
      return { content: '' }
    })
    const { signal } = leaving
    await expect(provider().chat(HELLO, { signal })).rejects.toBe(reason)
    expect(llm.requests(vendor)).toBe(1)

    await expect(provider().chat(HELLO, { signal })).rejects.toBe(reason)
    await expect(collect(provider().chatStream(HELLO, { signal }))).rejects.toBe(reason)
    expect(llm.requests(vendor)).toBe(1)
  })

  test('given a caller that aborts, when a stream runs, then it throws the reason', async () => {
    const leaving = new AbortController()
    const reason = new Error('I am leaving')
    llm.answer('one two three four five six seven eight nine ten', { chunkSize: 4, latency: 5 })
    const received: string[] = []
    const reading = async (): Promise<void> => {
      for await (const { type } of provider().chatStream(HELLO, { signal: leaving.signal })) {
        received.push(type)
        leaving.abort(reason)
      }
    }
    await expect(reading()).rejects.toBe(reason)
    expect(received).toHaveLength(1)
  })

  test('given no server, when chat is called, then it throws; when a stream is read, then it is one delta', async () => {
    await llm.close()
    const gone = provider()
    await expect(gone.chat(HELLO)).rejects.toThrow(/connect|fetch failed/i)
    expect(await collect(gone.chatStream(HELLO))).toMatchObject([{ type: 'error', kind: 'connection' }])
  })
})
