import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createVertex } from '@ai-sdk/google-vertex'
import { createVertexAnthropic } from '@ai-sdk/google-vertex/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { describe, expect, test } from 'vitest'
import { modelCapabilities } from '../../src/models/index.ts'

const place = { project: 'p', location: 'us-east5' }
const apiKey = 'unused'

describe('given the provider and the name that an AI SDK model states, then its facts are found', () => {
  test.each([
    createAnthropic({ apiKey })('claude-sonnet-4-5'),
    createOpenAI({ apiKey })('gpt-5'),
    createOpenAI({ apiKey }).chat('gpt-4o'),
    createGoogle({ apiKey })('gemini-2.5-pro'),
    createVertex(place)('gemini-2.5-pro'),
    createVertexAnthropic(place)('claude-opus-4-5@20251101'),
  ])('$provider $modelId', ({ provider, modelId }) => {
    expect(modelCapabilities(provider, modelId)).toBeDefined()
  })

  test.each([
    ['amazon-bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['bedrock.anthropic.messages', 'anthropic.claude-haiku-4-5-20251001-v1:0'],
    ['azure.responses', 'gpt-5'],
    ['azure-openai.chat', 'gpt-5'],
    ['deepseek.chat', 'deepseek-v4-pro'],
    ['gateway', 'anthropic/claude-sonnet-4.5'],
    ['groq.chat', 'openai/gpt-oss-120b'],
    ['mistral.chat', 'mistral-large-latest'],
    ['openrouter.chat', 'anthropic/claude-sonnet-4.5'],
    ['vertex.anthropic.messages', 'claude-sonnet-4-5@20250929'],
    ['xai.chat', 'grok-4.6'],
  ])('%s %s', (provider, model) => {
    expect(modelCapabilities(provider, model)).toBeDefined()
  })
})

test('given a model, when its facts are read, then they are those of the data file', () => {
  expect(modelCapabilities('anthropic', 'claude-sonnet-4-5')).toEqual({
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
    input: ['text', 'image'],
    thinking: 'enabled',
  })
  expect(modelCapabilities('openai', 'gpt-4')).toEqual({
    contextWindow: 8192,
    maxOutputTokens: 8192,
    input: ['text'],
    thinking: 'none',
  })
})

test.each([
  ['anthropic', 'claude-haiku-4-5', 'enabled'],
  ['anthropic', 'claude-sonnet-4-6', 'both'],
  ['anthropic', 'claude-opus-4-8', 'adaptive'],
  ['amazon-bedrock', 'global.anthropic.claude-opus-4-8', 'adaptive'],
  ['openai', 'gpt-5', 'adaptive'],
  ['openai', 'gpt-4.1', 'none'],
  ['google', 'gemini-2.5-pro', 'both'],
])('given %s and %s, when the facts are read, then `thinking` is %s', (provider, model, thinking) => {
  expect(modelCapabilities(provider, model)?.thinking).toBe(thinking)
})

test('given an id with a date that the snapshot lists, when its facts are read, then they are its own, not those of the id without a date', () => {
  expect(modelCapabilities('openai', 'gpt-4o-2024-05-13')?.maxOutputTokens).toBe(4096)
  expect(modelCapabilities('openai', 'gpt-4o')?.maxOutputTokens).toBe(16_384)
})

test.each([
  ['anthropic', 'claude-sonnet-4-5-20991231', 'claude-sonnet-4-5'],
  ['vertex.anthropic', 'claude-opus-4-8@20991231', 'claude-opus-4-8'],
  ['vertex.anthropic', 'claude-opus-4-8@default', 'claude-opus-4-8'],
  ['openai', 'gpt-5-2025-08-07', 'gpt-5'],
  ['google', 'models/gemini-2.5-pro', 'gemini-2.5-pro'],
  ['amazon-bedrock', 'eu.amazon.nova-pro-v1:0', 'amazon.nova-pro-v1:0'],
])('given %s and the id %s, when its facts are read, then they are those of %s', (provider, dated, plain) => {
  expect(modelCapabilities(provider, plain)).toBeDefined()
  expect(modelCapabilities(provider, dated)).toEqual(modelCapabilities(provider, plain))
})

test.each([
  ['anthropic', 'claude-sonnet-4-5-turbo'],
  ['anthropic', 'claude-sonnet-4-20250514'],
  ['anthropic', ''],
  ['openai', 'claude-sonnet-4-5'],
  ['nobody', 'gpt-5'],
  ['anthropicx', 'claude-sonnet-4-5'],
  ['', 'gpt-5'],
  ['.openai', 'gpt-5'],
])(
  'given the unknown provider "%s" or model "%s", when the facts are read, then there are none',
  (provider, model) => {
    expect(modelCapabilities(provider, model)).toBeUndefined()
  },
)

test('given a name that every object inherits, when the facts are read, then there are none', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    expect(modelCapabilities('anthropic', name)).toBeUndefined()
    expect(modelCapabilities(name, 'gpt-5')).toBeUndefined()
  }
})

test('given a caller that changes the facts, when the next caller reads them, then they are unchanged', () => {
  const first = modelCapabilities('openai', 'gpt-5')
  if (first === undefined) throw new Error('expected facts')
  first.contextWindow = 1
  Object.assign(first.input, ['document'])
  expect(modelCapabilities('openai', 'gpt-5')).toMatchObject({
    contextWindow: 400_000,
    input: ['text', 'image'],
  })
})
