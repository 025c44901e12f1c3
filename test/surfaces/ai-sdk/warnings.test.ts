import { afterEach, expect, test, vi } from 'vitest'
import { languageModelProvider, type ProviderWarning } from '../../../src/surfaces/ai-sdk/index.ts'
import { collect } from './deltas.ts'
import { fakeModel, FINISH } from './fake-model.ts'
import { modelNamed } from './models.ts'
import { UNARY } from './said.ts'
import { json, recorded } from './wire.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }
const UNHEARD = { ...HELLO, cachedContent: 'cachedContents/1' }

afterEach(() => {
  vi.restoreAllMocks()
})

test('given no listener, when warnings arise, then each is printed once for a provider, without the credential', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const model = modelNamed('openai chat v4')
  const connection = { ...recorded(() => json(UNARY['openai-chat'])), token: 'secret-token' }
  const provider = languageModelProvider(model.create(connection))
  for (let call = 0; call < 3; call++) await provider.chat(UNHEARD)
  await provider.chat({ ...UNHEARD, thinking: { mode: 'enabled', budgetTokens: 9 } })
  expect(warn.mock.calls).toEqual([
    ['llm-refresh: openai.chat gpt-5: unsupported cachedContent'],
    [
      'llm-refresh: openai.chat gpt-5: unsupported thinking.budgetTokens (gpt-5 takes an effort, not a budget)',
    ],
  ])
  expect(JSON.stringify(warn.mock.calls)).not.toContain('secret-token')

  await languageModelProvider(model.create(connection)).chat(UNHEARD)
  expect(warn).toHaveBeenCalledTimes(3)
})

test('given a listener, when warnings arise, then it receives those of every call, and nothing is printed', async () => {
  const warn = vi.spyOn(console, 'warn')
  const heard: ProviderWarning[] = []
  const provider = languageModelProvider(fakeModel(), { onWarning: (warning) => heard.push(warning) })
  await provider.chat(UNHEARD)
  await collect(provider.chatStream(UNHEARD))
  expect(heard).toEqual([
    { type: 'unsupported', feature: 'cachedContent' },
    { type: 'unsupported', feature: 'cachedContent' },
  ])
  expect(warn).not.toHaveBeenCalled()
})

test.each([
  [
    'throws',
    () => {
      throw new Error('deaf')
    },
  ],
  ['rejects', () => Promise.reject(new Error('deaf'))],
])('given a listener that %s, when a warning arises, then the call succeeds', async (_, listener) => {
  const provider = languageModelProvider(fakeModel(), { onWarning: listener })
  expect(await provider.chat(UNHEARD)).toMatchObject({ type: 'success' })
  expect((await collect(provider.chatStream(UNHEARD))).at(-1)).toMatchObject({ type: 'done' })
})

test.each<[string, object, ProviderWarning]>([
  [
    'v2, a setting',
    { type: 'unsupported-setting', setting: 'seed', details: 'No seeds.' },
    { type: 'unsupported', feature: 'seed', details: 'No seeds.' },
  ],
  [
    'v2, a tool',
    { type: 'unsupported-tool', tool: { type: 'function', name: 'weather', inputSchema: {} } },
    { type: 'unsupported', feature: 'tool weather' },
  ],
  ['v3, a feature', { type: 'unsupported', feature: 'topK' }, { type: 'unsupported', feature: 'topK' }],
  [
    'v3, a makeshift',
    { type: 'compatibility', feature: 'reasoning', details: 'Mapped.' },
    { type: 'compatibility', feature: 'reasoning', details: 'Mapped.' },
  ],
  [
    'v4, an old setting',
    { type: 'deprecated', setting: 'user', message: 'Use another.' },
    { type: 'deprecated', feature: 'user', details: 'Use another.' },
  ],
  [
    'any, in its own words, cut where they are too many',
    { type: 'other', message: 'a'.repeat(600) },
    { type: 'other', feature: 'provider', details: `${'a'.repeat(500)}…` },
  ],
])(
  'given a warning of the AI SDK for %s, when it arises, then the listener receives it',
  async (_, warning, expected) => {
    const heard: ProviderWarning[] = []
    const model = fakeModel({
      answer: { warnings: [warning] },
      parts: [{ type: 'stream-start', warnings: [warning] }, FINISH],
    })
    const provider = languageModelProvider(model, { onWarning: (each) => heard.push(each) })
    await provider.chat(HELLO)
    await collect(provider.chatStream(HELLO))
    expect(heard).toEqual([expected, expected])
  },
)

test('given content that no block can hold, when a model responds with it, then a warning tells', async () => {
  const features: string[] = []
  const content = [
    { type: 'reasoning-file', mediaType: 'image/png', data: 'AA==' },
    { type: 'file', mediaType: 'image/png', data: 'AA==' },
    { type: 'from-the-future' },
    { type: 'text', text: 'Hello' },
  ]
  const provider = languageModelProvider(fakeModel({ answer: { content } }), {
    onWarning: ({ feature }) => features.push(feature),
  })
  expect(await provider.chat(HELLO)).toMatchObject({
    response: { content: [{ type: 'text', text: 'Hello' }] },
  })
  expect(features).toEqual([
    'content: reasoning-file',
    'content: file',
    'content: of a kind that is not known',
  ])
})
