import { RefreshError } from '../../core/errors.ts'

/** The versions of the AI SDK's model specification: `v2` is AI SDK 5, `v3` is 6, `v4` is 7. */
export type AiSdkVersion = 'v2' | 'v3' | 'v4'

/** What a language model is asked, as far as all versions agree. */
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

/** One piece of an answer; what else it holds depends on its `type`. */
export interface AiSdkPart {
  readonly type: string
}

/** A whole answer, as far as all versions agree. */
export interface AiSdkGenerateResult {
  readonly content: readonly AiSdkPart[]
  readonly finishReason: unknown
  readonly usage: unknown
}

/** A stream of parts, as far as all versions agree. */
export interface AiSdkStreamResult {
  readonly stream: ReadableStream<AiSdkPart>
}

/**
 * Any AI SDK language model: a `LanguageModelV2`, `LanguageModelV3` or `LanguageModelV4`. It is described by
 * its shape, so whichever version of `@ai-sdk/provider` you have will do, or none.
 */
export interface AiSdkLanguageModel {
  readonly specificationVersion: AiSdkVersion
  readonly provider: string
  readonly modelId: string
  doGenerate(options: AiSdkCallOptions): PromiseLike<AiSdkGenerateResult>
  doStream(options: AiSdkCallOptions): PromiseLike<AiSdkStreamResult>
}

/** @throws RefreshError `invalid_provider` that names what is missing. */
export function assertLanguageModel(model: unknown): asserts model is AiSdkLanguageModel {
  if (typeof model === 'string') {
    throw notAModel('it is a string. Create the model first, for instance with `createOpenAI({ … })(id)`')
  }
  if ((typeof model !== 'object' && typeof model !== 'function') || model === null) {
    throw notAModel(`it is ${model === null ? 'null' : `of type ${typeof model}`}`)
  }
  const fields: Record<string, unknown> = readFields(model)
  const version = fields['specificationVersion']
  if (version !== 'v2' && version !== 'v3' && version !== 'v4') {
    throw notAModel(`its specificationVersion is ${quoted(version)}, not 'v2', 'v3' or 'v4'`)
  }
  const missing = [
    ...['provider', 'modelId'].filter((name) => typeof fields[name] !== 'string' || fields[name] === ''),
    ...['doGenerate', 'doStream'].filter((name) => typeof fields[name] !== 'function'),
  ]
  if (missing.length > 0) throw notAModel(`${missing.join(', ')} missing`)
}

// Read by name: on real models most of them are getters and methods of a prototype.
function readFields(model: object): Record<string, unknown> {
  const names = ['specificationVersion', 'provider', 'modelId', 'doGenerate', 'doStream']
  return Object.fromEntries(names.map((name): [string, unknown] => [name, Reflect.get(model, name)]))
}

function notAModel(why: string): RefreshError {
  return new RefreshError('invalid_provider', `This is no AI SDK language model: ${why}.`)
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
