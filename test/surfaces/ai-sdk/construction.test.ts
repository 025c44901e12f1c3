import { expect, test } from 'vitest'
import { RefreshError } from '../../../src/index.ts'
import {
  type AiSdkLanguageModel,
  languageModelProvider,
  type LanguageModelProviderOptions,
  type ProviderWarning,
} from '../../../src/surfaces/ai-sdk/index.ts'
import { fakeModel } from './fake-model.ts'
import { MODELS, modelNamed } from './models.ts'

/** The error of a construction that its types forbid. */
function refused(model: unknown, options?: unknown): RefreshError {
  try {
    languageModelProvider(model as AiSdkLanguageModel, options as LanguageModelProviderOptions)
  } catch (error) {
    if (error instanceof RefreshError) return error
  }
  throw new Error('it was not refused')
}

test.each([
  ['undefined', undefined, /undefined/],
  ['null', null, /null/],
  ["a model's id", 'openai/gpt-5', /string.*createOpenAI/],
  ['a model of the first version', { ...fakeModel(), specificationVersion: 'v1' }, /'v1'/],
  ['a model of no version', { provider: 'a', modelId: 'b' }, /specificationVersion is undefined/],
  ['an embedding model', { specificationVersion: 'v4', provider: 'a', modelId: 'b' }, /doGenerate, doStream/],
  ['a model without a name', { ...fakeModel(), provider: undefined, modelId: 1 }, /provider, modelId/],
])(
  'given %s as a model, when a provider is made, then the error says that it is no model, and what is missing',
  (_, model, words) => {
    const error = refused(model)
    expect(error.code).toBe('invalid_provider')
    expect(error.message).toMatch(words)
  },
)

test.each([
  ['an unknown option', { temperature: 1 }, /'temperature' does not exist; there are/],
  ['no object', 'thinking', /object/],
  ['capabilities of another kind', { capabilities: 4096 }, /capabilities/],
  ['thinking of another kind', { thinking: 'high' }, /thinking/],
  ['a mode of thinking that is none', { thinking: { mode: 'deep' } }, /thinking/],
  ['a budget of nothing', { thinking: { mode: 'enabled', budgetTokens: 0 } }, /budgetTokens/],
  ['a listener that is none', { onWarning: true }, /onWarning/],
  ['a vendor that nobody knows', { vendor: 'acme' }, /'vendor' must be one of anthropic/],
  [
    'options of no namespace',
    { providerOptions: { thinking: 'x' } },
    /'providerOptions.thinking' must be an object/,
  ],
  ['options in a list', { providerOptions: [] }, /providerOptions/],
])('given %s, when a provider is made, then the error names the option', (_, options, words) => {
  const error = refused(fakeModel(), options)
  expect(error.code).toBe('invalid_option')
  expect(error.message).toMatch(words)
})

test.each(MODELS)(
  '$name: given options in a namespace that the model does not read, when a provider is made, then it is refused',
  ({ create, namespace }) => {
    const foreign = namespace === 'openai' ? 'anthropic' : 'openai'
    const error = refused(create({}), { providerOptions: { [foreign]: {} } })
    expect(error.code).toBe('invalid_option')
    expect(error.message).toContain(`'providerOptions.${foreign}' is not read`)
    expect(() => languageModelProvider(create({}), { providerOptions: { [namespace]: {} } })).not.toThrow()
  },
)

test('given an unknown vendor and a foreign namespace, when a provider is made, then it only warns', () => {
  const warnings: ProviderWarning[] = []
  languageModelProvider(fakeModel(), {
    providerOptions: { nobody: {}, openai: {} },
    onWarning: (warning) => warnings.push(warning),
  })
  expect(warnings.map(({ feature }) => feature)).toEqual(['providerOptions.openai'])
})

test('given thinking that the capabilities exclude, when a provider is made, then it is refused', () => {
  const capabilities = { contextWindow: 8192, maxOutputTokens: 4096, input: ['text'], thinking: 'none' }
  const error = refused(fakeModel(), { capabilities, thinking: { mode: 'adaptive' } })
  expect(error.code).toBe('invalid_option')
})

test('given a model, when a provider is made, then it has the vendor, id, thinking, capabilities and structured output of the model', () => {
  const capabilities = {
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    input: ['text', 'image'],
    thinking: 'both',
  } as const
  const thinking = { mode: 'adaptive' } as const
  const provider = languageModelProvider(modelNamed('anthropic v4').create({}), { capabilities, thinking })
  expect(provider.provider).toBe('anthropic')
  expect(provider.model).toBe('claude-sonnet-4-5')
  expect(provider.configuredThinking).toBe(thinking)
  expect(provider.capabilities()).toBe(capabilities)
  expect(provider.defaultMaxTokens()).toBe(64_000)
  expect(provider.structuredOutputSupport()).toBe('native')
})

test('given a server that takes no schema, when a provider is made, then it forces a tool for structured output', () => {
  const model = { ...fakeModel(), supportsStructuredOutputs: false }
  expect(languageModelProvider(model).structuredOutputSupport()).toBe('tool_forcing')
})
