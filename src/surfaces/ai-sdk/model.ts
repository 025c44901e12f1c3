import { RefreshError } from '../../errors.ts'
import { methodsOf } from './refreshing-model/facade.ts'

/** The versions of the AI SDK's model specification: `v2` is AI SDK 5, `v3` is 6, `v4` is 7. */
export type AiSdkVersion = 'v2' | 'v3' | 'v4'

/** The input of a language model: the fields that all versions have. */
export interface AiSdkCallOptions {
  prompt: readonly unknown[]
  maxOutputTokens?: number | undefined
  responseFormat?: unknown
  tools?: readonly unknown[] | undefined
  toolChoice?: unknown
  reasoning?: unknown
  abortSignal?: AbortSignal | undefined
  providerOptions?: Record<string, Record<string, unknown>> | undefined
}

/** One part of a response. Its `type` decides its other members. */
export interface AiSdkPart {
  readonly type: string
}

/** A whole response: the fields that all versions have. */
export interface AiSdkGenerateResult {
  readonly content: readonly AiSdkPart[]
  readonly finishReason: unknown
  readonly usage: unknown
}

/** A stream of parts: the fields that all versions have. */
export interface AiSdkStreamResult {
  readonly stream: ReadableStream<AiSdkPart>
}

/**
 * Any AI SDK language model: a `LanguageModelV2`, `LanguageModelV3` or `LanguageModelV4`. This type describes its shape, so you may have
 * any version of `@ai-sdk/provider`, or none.
 */
export interface AiSdkLanguageModel {
  readonly specificationVersion: AiSdkVersion
  readonly provider: string
  readonly modelId: string
  doGenerate(options: AiSdkCallOptions): PromiseLike<AiSdkGenerateResult>
  doStream(options: AiSdkCallOptions): PromiseLike<AiSdkStreamResult>
}

/** The input of an embedding model: the fields that all versions have. Only `v4` knows `dimensions`. */
export interface AiSdkEmbedOptions {
  values: string[]
  dimensions?: number
  abortSignal?: AbortSignal
  providerOptions?: Record<string, Record<string, unknown>>
}

/** The vectors of one call: the fields that all versions have. */
export interface AiSdkEmbedResult {
  readonly embeddings: readonly (readonly number[])[]
  readonly usage?: unknown
  readonly response?: unknown
  readonly warnings?: readonly unknown[]
}

/** Any AI SDK embedding model for texts: an `EmbeddingModelV2<string>`, `EmbeddingModelV3` or `EmbeddingModelV4`, described by its shape. */
export interface AiSdkEmbeddingModel {
  readonly specificationVersion: AiSdkVersion
  readonly provider: string
  readonly modelId: string
  /** The largest number of texts in one call. */
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined
  doEmbed(options: AiSdkEmbedOptions): PromiseLike<AiSdkEmbedResult>
}

/** Any AI SDK model: for language, embeddings, images, speech or transcription, or any other that has `do…` methods. */
export interface AiSdkModel {
  readonly specificationVersion: AiSdkVersion
  readonly provider: string
}

/** @throws RefreshError `invalid_provider` that names the missing member */
export function assertLanguageModel(model: unknown): asserts model is AiSdkLanguageModel {
  assertFields(model, 'language model', ['provider', 'modelId'], ['doGenerate', 'doStream'])
}

/** @throws RefreshError `invalid_provider` that names the missing member */
export function assertEmbeddingModel(model: unknown): asserts model is AiSdkEmbeddingModel {
  assertFields(model, 'embedding model', ['provider', 'modelId'], ['doEmbed'])
}

/** @throws RefreshError `invalid_provider` that names the missing member */
export function assertModel(model: unknown): asserts model is AiSdkModel {
  assertFields(model, 'model', ['provider'], [])
  if (methodsOf(model).size === 0)
    throw notA('model', 'it has no method whose name begins with do, such as doGenerate')
}

/** Checks that a rebuilt model has the version and the methods of the first one. */
export function assertSameKind(model: unknown, first: object): void {
  assertFields(model, 'model', ['provider'], [...methodsOf(first)])
  const version: unknown = Reflect.get(first, 'specificationVersion')
  const other: unknown = Reflect.get(model, 'specificationVersion')
  if (other !== version)
    throw notA(
      'model',
      `its specificationVersion is ${quoted(other)}, and that of the first was ${quoted(version)}`,
    )
}

function assertFields(
  model: unknown,
  kind: string,
  texts: readonly string[],
  methods: readonly (string | symbol)[],
): asserts model is object {
  if (typeof model === 'string') {
    throw notA(kind, 'it is a string, such as its id')
  }
  if ((typeof model !== 'object' && typeof model !== 'function') || model === null) {
    throw notA(kind, `it is ${model === null ? 'null' : `of type ${typeof model}`}`)
  }
  // Get each member by its name: a real model inherits most getters and methods from its prototype.
  const read = (name: string | symbol): unknown => Reflect.get(model, name)
  const version = read('specificationVersion')
  if (version !== 'v2' && version !== 'v3' && version !== 'v4') {
    throw notA(kind, `its specificationVersion is ${quoted(version)}, not 'v2', 'v3' or 'v4'`)
  }
  const missing = [
    // Accept an empty text: some providers are made without a name.
    ...texts.filter((name) => typeof read(name) !== 'string'),
    ...methods.filter((name) => typeof read(name) !== 'function'),
  ]
  if (missing.length > 0) throw notA(kind, `${missing.map(String).join(', ')} missing`)
}

function notA(kind: string, why: string): RefreshError {
  return new RefreshError(
    'invalid_provider',
    `This is no AI SDK ${kind}: ${why}. Give what AI SDK 5, 6 or 7 makes, such as \`createOpenAI({ … })(id)\`.`,
  )
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
