import { createOpenAI } from '@ai-sdk/openai'
import { afterEach, expect, test, vi } from 'vitest'
import { RefreshError } from '../../../src/index.ts'
import {
  languageModelProvider,
  type LanguageModelProviderOptions,
} from '../../../src/surfaces/ai-sdk/index.ts'
import type { ChatRequest, ContentBlock, Message } from '../../../src/surfaces/provider/index.ts'
import { collect } from './deltas.ts'
import { fakeModel } from './fake-model.ts'
import { json, recorded } from './wire.ts'

const HELLO: ChatRequest = { system: '', messages: [{ role: 'user', content: 'Hello' }] }
const CAPABILITIES = {
  contextWindow: 9000,
  maxOutputTokens: 4096,
  input: ['text'],
  thinking: 'both',
} as const
const IMAGE: ContentBlock = { type: 'image', source: { mediaType: 'image/png', data: 'AA==' } }
const RESULT: ContentBlock = { type: 'tool_result', toolUseId: 'call_1', content: 'Rain.' }

afterEach(() => {
  vi.unstubAllEnvs()
})

function saying(role: Message['role'], ...content: ContentBlock[]): Partial<ChatRequest> {
  return { messages: [{ role, content }] }
}

test.each<[string, Partial<ChatRequest>, RegExp, LanguageModelProviderOptions?]>([
  ['a budget of nothing', { thinking: { mode: 'enabled', budgetTokens: 0 } }, /budgetTokens/],
  ['half a token', { thinking: { mode: 'enabled', budgetTokens: 1.5 } }, /budgetTokens/],
  [
    'a budget as large as the limit of the answer',
    { thinking: { mode: 'enabled', budgetTokens: 2000 }, maxTokens: 2000 },
    /budgetTokens is 2000, but maxTokens is 2000/,
  ],
  [
    'a budget as large as what the model can generate',
    { thinking: { mode: 'enabled', budgetTokens: 4096 } },
    /4096/,
    { capabilities: CAPABILITIES },
  ],
  [
    'thinking that the model is known not to do',
    { thinking: { mode: 'adaptive' } },
    /thinking/,
    { capabilities: { ...CAPABILITIES, thinking: 'enabled' } },
  ],
  ['a limit of nothing', { maxTokens: 0 }, /maxTokens/],
  ['a tool that is not there', { toolChoice: { type: 'tool', name: 'weather' } }, /'weather'/],
  ['a tool result without its call', saying('user', RESULT), /messages\[0\].*'call_1'/],
  ['a tool result of the assistant', saying('assistant', RESULT), /assistant.*tool_result/],
  ['a picture of the assistant', saying('assistant', IMAGE), /assistant.*image/],
  ['a thought of the user', saying('user', { type: 'thinking', thinking: 'Hm.' }), /user.*thinking/],
  [
    'a tool call of the user',
    saying('user', { type: 'tool_use', id: 'a', name: 'b', input: {} }),
    /user.*tool_use/,
  ],
  ['a block of no kind', saying('user', { type: 'video' } as unknown as ContentBlock), /not known/],
  ['a role of no kind', saying('system' as Message['role'], { type: 'text', text: 'a' }), /role/],
])(
  'given %s, when the request is made, then it throws before anything is sent',
  async (_, request, words, options = {}) => {
    const model = fakeModel({ provider: 'anthropic.messages' })
    const provider = languageModelProvider(model, options)
    const error = await provider.chat({ ...HELLO, ...request }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RefreshError)
    expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(words) })
    await expect(collect(provider.chatStream({ ...HELLO, ...request }))).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect(model.calls).toHaveLength(0)
  },
)

test('given a vendor without budgets, when a budget exceeds the limit, then the request is sent', async () => {
  const provider = languageModelProvider(fakeModel({ provider: 'openai.chat' }), { onWarning: () => {} })
  const request = { ...HELLO, thinking: { mode: 'enabled', budgetTokens: 2000 }, maxTokens: 100 } as const
  expect(await provider.chat(request)).toMatchObject({ type: 'success' })
})

test.each([
  ['a bug', new RangeError('Maximum call stack size exceeded')],
  [
    'a media type that the vendor does not take',
    Object.assign(new Error('x'), { name: 'AI_UnsupportedFunctionalityError' }),
  ],
  [
    'an error of ours, whatever caused it',
    new RefreshError('refresh_failed', 'Log in.', {
      cause: Object.assign(new Error('a'), { code: 'ECONNREFUSED' }),
    }),
  ],
  ['what is no error', 'no error'],
  ['an abort that is not ours', new DOMException('Aborted', 'AbortError')],
  ['a time-out', new DOMException('Timed out', 'TimeoutError')],
])('given %s in the model, when chat is called, then it throws that very error', async (_, error) => {
  const provider = languageModelProvider(fakeModel({ error }))
  await expect(provider.chat(HELLO)).rejects.toBe(error)
  await expect(collect(provider.chatStream(HELLO))).rejects.toBe(error)
})

test("given no API key, when chat is called, then it throws the AI SDK's error, and nothing is sent", async () => {
  vi.stubEnv('OPENAI_API_KEY', undefined)
  const { fetch, sent } = recorded(() => json({}))
  const provider = languageModelProvider(createOpenAI({ fetch })('gpt-5'))
  await expect(provider.chat(HELLO)).rejects.toMatchObject({ name: 'AI_LoadAPIKeyError' })
  await expect(collect(provider.chatStream(HELLO))).rejects.toMatchObject({ name: 'AI_LoadAPIKeyError' })
  expect(sent).toHaveLength(0)
})

test('given a model that responds with nothing, when chat is called, then the error says that it breaks its contract', async () => {
  const provider = languageModelProvider(fakeModel({ answer: { content: undefined } }))
  await expect(provider.chat(HELLO)).rejects.toMatchObject({ code: 'invalid_provider' })
})
