import { expect, test } from 'vitest'
import { RefreshError } from '../../../src/index.ts'
import { languageModelProvider } from '../../../src/surfaces/ai-sdk/index.ts'
import { collect } from './deltas.ts'
import { fakeModel, FINISH } from './fake-model.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }

test.each<[string, Record<string, unknown>]>([
  ['a finish without usage', { ...FINISH, usage: undefined }],
  ['a finish without a reason', { ...FINISH, finishReason: undefined }],
  ['a tool call whose input is no text', { type: 'tool-call', toolCallId: 'a', toolName: 'b', input: {} }],
  ['a tool call without a name', { type: 'tool-input-start', id: 'a' }],
  ['a start without warnings', { type: 'stream-start' }],
  ['a warning that is none', { type: 'stream-start', warnings: [null] }],
  ['a text without its delta', { type: 'text-delta', id: '0' }],
])(
  'given a stream with %s, when it is read, then the error says that it breaks the specification',
  async (_, part) => {
    const model = fakeModel({ parts: [part, FINISH] })
    const error = await collect(languageModelProvider(model).chatStream(HELLO)).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(RefreshError)
    expect(error).toMatchObject({ code: 'invalid_stream', cause: expect.any(TypeError) })
    expect(model.cancelled()).toBe(true)
  },
)

test.each([{}, undefined, { stream: {} }])(
  'given a doStream that returns %j, when it is called, then the error says that this is no provider',
  async (result) => {
    const model = { ...fakeModel(), doStream: async () => result as { stream: ReadableStream } }
    await expect(collect(languageModelProvider(model).chatStream(HELLO))).rejects.toMatchObject({
      code: 'invalid_provider',
    })
  },
)

test.each<[string, unknown[]]>([
  ['nothing', [null]],
  ['a text without text', [{ type: 'text' }]],
  ['a tool call whose input is no text', [{ type: 'tool-call', toolCallId: 'a', toolName: 'b', input: {} }]],
])(
  'given a response with %s in it, when chat is called, then the error says that this is no provider',
  async (_, content) => {
    const provider = languageModelProvider(fakeModel({ answer: { content } }))
    await expect(provider.chat(HELLO)).rejects.toMatchObject({ code: 'invalid_provider' })
  },
)
