import type { EmbeddingModelV4, LanguageModelV2, LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider'
import type { createOpenAI as createOpenAIV2 } from 'ai-sdk-openai-v2'
import type { createOpenAI as createOpenAIV3 } from 'ai-sdk-openai-v3'
import { expectTypeOf, test } from 'vitest'
import type { LlmProvider } from '../../../src/index.ts'
import {
  type AiSdkLanguageModel,
  type LanguageModelProviderOptions,
  languageModelProvider,
} from '../../../src/surfaces/ai-sdk.ts'

// `tsc` checks this file: what vitest runs of it is nothing.

type ModelOfV2 = ReturnType<ReturnType<typeof createOpenAIV2>['chat']>
type ModelOfV3 = ReturnType<ReturnType<typeof createOpenAIV3>['responses']>

test('a model of every version is accepted, from whichever @ai-sdk/provider its types come', () => {
  expectTypeOf<LanguageModelV2>().toExtend<AiSdkLanguageModel>()
  expectTypeOf<LanguageModelV3>().toExtend<AiSdkLanguageModel>()
  expectTypeOf<LanguageModelV4>().toExtend<AiSdkLanguageModel>()
  expectTypeOf<ModelOfV2>().toExtend<AiSdkLanguageModel>()
  expectTypeOf<ModelOfV3>().toExtend<AiSdkLanguageModel>()
})

test('what is no language model is not', () => {
  expectTypeOf<EmbeddingModelV4>().not.toExtend<AiSdkLanguageModel>()
  expectTypeOf<Omit<LanguageModelV4, 'doStream'>>().not.toExtend<AiSdkLanguageModel>()
  expectTypeOf<
    Omit<LanguageModelV4, 'specificationVersion'> & { specificationVersion: 'v1' }
  >().not.toExtend<AiSdkLanguageModel>()
  expectTypeOf<string>().not.toExtend<AiSdkLanguageModel>()
  expectTypeOf<{ provider: string; modelId: string }>().not.toExtend<AiSdkLanguageModel>()
  expectTypeOf<
    Omit<LanguageModelV4, 'doGenerate'> & { doGenerate(options: { text: string }): Promise<string> }
  >().not.toExtend<AiSdkLanguageModel>()
})

test('the provider is an LlmProvider, and its options are those that are documented', () => {
  expectTypeOf(languageModelProvider).returns.toEqualTypeOf<LlmProvider>()
  expectTypeOf<keyof LanguageModelProviderOptions>().toEqualTypeOf<
    'capabilities' | 'thinking' | 'providerOptions' | 'vendor' | 'onWarning'
  >()
})
