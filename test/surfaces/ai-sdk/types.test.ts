import type { createAnthropic } from '@ai-sdk/anthropic'
import type { createGoogle } from '@ai-sdk/google'
import type { createOpenAI } from '@ai-sdk/openai'
import type {
  EmbeddingModelV3,
  EmbeddingModelV4,
  Experimental_BatchV4 as BatchV4,
  Experimental_VideoModelV3 as VideoModelV3,
  Experimental_VideoModelV4 as VideoModelV4,
  ImageModelV2,
  ImageModelV3,
  ImageModelV4,
  LanguageModelV2,
  LanguageModelV3,
  LanguageModelV4,
  RerankingModelV3,
  RerankingModelV4,
  SpeechModelV2,
  SpeechModelV3,
  SpeechModelV4,
  TranscriptionModelV2,
  TranscriptionModelV3,
  TranscriptionModelV4,
} from '@ai-sdk/provider'
import type { createOpenAI as createOpenAIV2 } from 'ai-sdk-openai-v2'
import type { createOpenAI as createOpenAIV3 } from 'ai-sdk-openai-v3'
import { expectTypeOf, test } from 'vitest'
import type { AccessToken, Credential, Refresher } from '../../../src/index.ts'
import {
  type AiSdkEmbeddingModel,
  type AiSdkLanguageModel,
  type AiSdkModel,
  type LanguageModelProviderOptions,
  languageModelProvider,
  refreshingModel,
  type RefreshingModelOptions,
  refreshingModels,
  type SharedModelOptions,
} from '../../../src/surfaces/ai-sdk/index.ts'
import type { LlmProvider } from '../../../src/surfaces/provider/index.ts'

// `tsc` checks this file: what vitest runs of it is nothing.

type ModelOfV2 = ReturnType<ReturnType<typeof createOpenAIV2>['chat']>
type ModelOfV3 = ReturnType<ReturnType<typeof createOpenAIV3>['responses']>

test('given a model of any version, when its types come from any @ai-sdk/provider, then it compiles', () => {
  expectTypeOf<LanguageModelV2>().toExtend<AiSdkLanguageModel>()
  expectTypeOf<LanguageModelV3>().toExtend<AiSdkLanguageModel>()
  expectTypeOf<LanguageModelV4>().toExtend<AiSdkLanguageModel>()
  expectTypeOf<ModelOfV2>().toExtend<AiSdkLanguageModel>()
  expectTypeOf<ModelOfV3>().toExtend<AiSdkLanguageModel>()
})

test('given a value that is no language model, when it is passed, then it does not compile', () => {
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

test('given an embedding model of any version, when it is passed as one, then it compiles; a language model does not', () => {
  expectTypeOf<Kinds['embedding']>().toExtend<AiSdkEmbeddingModel>()
  expectTypeOf<LanguageModelV4>().not.toExtend<AiSdkEmbeddingModel>()
})

test('given the provider, when its types are compared, then it is an LlmProvider, and has the documented options only', () => {
  expectTypeOf(languageModelProvider).returns.toEqualTypeOf<LlmProvider>()
  expectTypeOf<keyof LanguageModelProviderOptions>().toEqualTypeOf<
    | ('capabilities' | 'thinking' | 'providerOptions' | 'vendor' | 'onWarning')
    | ('embeddingModel' | 'embeddingProviderOptions' | 'listModels' | 'probe')
  >()
})

/** What becomes of a model of this type, in both forms. */
type Wrapped<M extends AiSdkModel> = ReturnType<typeof wrapped<M>>
const wrapped = <M extends AiSdkModel>(model: M) => refreshingModel(model, async () => model)
type WrappedFrom<M extends AiSdkModel> = Awaited<ReturnType<typeof refreshingModel<M>>>

interface Kinds {
  language: LanguageModelV2 | LanguageModelV3 | LanguageModelV4
  // An embedding model of AI SDK 5 has a type for what is embedded, which this package does not export any more.
  embedding: ReturnType<ReturnType<typeof createOpenAIV2>['embedding']> | EmbeddingModelV3 | EmbeddingModelV4
  image: ImageModelV2 | ImageModelV3 | ImageModelV4
  speech: SpeechModelV2 | SpeechModelV3 | SpeechModelV4
  transcription: TranscriptionModelV2 | TranscriptionModelV3 | TranscriptionModelV4
  reranking: RerankingModelV3 | RerankingModelV4
  video: VideoModelV3 | VideoModelV4
  batch: BatchV4
}

test('[M1, M2] given a model of any kind and version, when it is wrapped, then the result has the very same type', () => {
  expectTypeOf<Kinds[keyof Kinds]>().toExtend<AiSdkModel>()
  expectTypeOf<Wrapped<LanguageModelV2>>().toEqualTypeOf<LanguageModelV2>()
  expectTypeOf<Wrapped<LanguageModelV3>>().toEqualTypeOf<LanguageModelV3>()
  expectTypeOf<Wrapped<LanguageModelV4>>().toEqualTypeOf<LanguageModelV4>()
  expectTypeOf<Wrapped<ModelOfV2>>().toEqualTypeOf<ModelOfV2>()
  expectTypeOf<Wrapped<EmbeddingModelV4>>().toEqualTypeOf<EmbeddingModelV4>()
  expectTypeOf<Wrapped<ImageModelV3>>().toEqualTypeOf<ImageModelV3>()
  expectTypeOf<WrappedFrom<LanguageModelV2>>().toEqualTypeOf<LanguageModelV2>()
  expectTypeOf<WrappedFrom<LanguageModelV4>>().toEqualTypeOf<LanguageModelV4>()
  expectTypeOf<WrappedFrom<TranscriptionModelV4>>().toEqualTypeOf<TranscriptionModelV4>()
  expectTypeOf<WrappedFrom<SpeechModelV2>>().toEqualTypeOf<SpeechModelV2>()
})

/** Never called: the compiler infers the types as it would for a user. */
function inferred(
  v2: LanguageModelV2,
  v4: LanguageModelV4,
  embeddings: Refresher<EmbeddingModelV4>,
  id: string,
  bare: { provider: string; modelId: string },
): void {
  expectTypeOf(refreshingModel(v2, async () => v2)).toEqualTypeOf<LanguageModelV2>()
  expectTypeOf(refreshingModel(embeddings)).toEqualTypeOf<Promise<EmbeddingModelV4>>()
  // @ts-expect-error the replacement is of another version
  refreshingModel(v4, async () => v2)
  // @ts-expect-error a model's id is no model
  refreshingModel(id, async () => id)
  // @ts-expect-error it has no version
  refreshingModel(bare, async () => bare)
  // @ts-expect-error the deadline is the cell's, which is shared
  void refreshingModel(embeddings, { deadline: 5 })
  // @ts-expect-error the first value is the model
  refreshingModel(v4, async () => v4, { initial: v4 })
}

test('[M1, M2] given wrong arguments, when they are compiled, then a string, another version and a foreign option fail; types are inferred', () => {
  expectTypeOf(inferred).returns.toEqualTypeOf<void>()
  expectTypeOf<keyof SharedModelOptions>().toEqualTypeOf<'background' | 'onEvent' | 'rules'>()
  expectTypeOf<keyof RefreshingModelOptions<LanguageModelV4>>().toEqualTypeOf<
    | 'onEvent'
    | 'rules'
    | 'expiresAt'
    | 'reread'
    | 'refreshAhead'
    | 'background'
    | 'deadline'
    | 'cooldown'
    | 'clock'
  >()
})

/** The builders of a user, never called. */
interface Builders {
  v4: typeof createOpenAI
  v3: typeof createOpenAIV3
  v2: typeof createOpenAIV2
  anthropic: typeof createAnthropic
  google: typeof createGoogle
}

/** Never called, either. */
function inferredProviders(
  credential: Credential,
  mapped: Refresher<{ accessToken: string; account: string }>,
  texts: Refresher<string>,
  { v4, v3, v2, anthropic, google }: Builders,
  model: LanguageModelV4,
): void {
  const openai = refreshingModels(credential, ({ accessToken }) => v4({ apiKey: accessToken }))
  expectTypeOf(openai).toEqualTypeOf<ReturnType<typeof createOpenAI>>()
  expectTypeOf(openai('gpt-5')).toEqualTypeOf<ReturnType<ReturnType<typeof createOpenAI>>>()
  expectTypeOf(refreshingModels(credential, ({ accessToken }) => v3({ apiKey: accessToken }))).toEqualTypeOf<
    ReturnType<typeof createOpenAIV3>
  >()
  expectTypeOf(refreshingModels(credential, ({ accessToken }) => v2({ apiKey: accessToken }))).toEqualTypeOf<
    ReturnType<typeof createOpenAIV2>
  >()
  expectTypeOf(
    refreshingModels(credential, ({ accessToken }) => anthropic({ authToken: accessToken })),
  ).toEqualTypeOf<ReturnType<typeof createAnthropic>>()
  expectTypeOf(
    refreshingModels(credential, ({ accessToken }) => google({ apiKey: accessToken })),
  ).toEqualTypeOf<ReturnType<typeof createGoogle>>()
  expectTypeOf(refreshingModels(credential, () => model)).toEqualTypeOf<LanguageModelV4>()
  expectTypeOf(refreshingModels(credential, () => ({ fast: model }))).toEqualTypeOf<{
    fast: LanguageModelV4
  }>()
  refreshingModels(credential, (token) => {
    expectTypeOf(token).toEqualTypeOf<AccessToken>()
    return model
  })
  // @ts-expect-error the placeholder has no account
  refreshingModels(mapped, ({ account }) => v4({ apiKey: account }))
  // @ts-expect-error a text is no token: map it to one
  refreshingModels(texts, (apiKey: string) => v4({ apiKey }))
  // @ts-expect-error it has to be there at once
  refreshingModels(credential, async ({ accessToken }) => v4({ apiKey: accessToken }))
  // @ts-expect-error an id is no provider
  refreshingModels(credential, () => 'gpt-5')
  // @ts-expect-error the deadline is the credential's
  refreshingModels(credential, () => model, { deadline: 5 })
}

test("[M4] given a builder, when a provider is made, then it has the builder's type; an asynchronous builder does not compile", () => {
  expectTypeOf(inferredProviders).returns.toEqualTypeOf<void>()
})
