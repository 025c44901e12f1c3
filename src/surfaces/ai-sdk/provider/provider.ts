import { RefreshError } from '../../../errors.ts'
import { abortable, throwIfAborted } from '../../../lib/abortable.ts'
import { BaseProvider } from '../../../llm/base-provider.ts'
import type { ModelCapabilities, ModelInfo, StructuredOutputSupport } from '../../../llm/capabilities.ts'
import type { EmbedOutcome, EmbedRequest } from '../../../llm/embedding.ts'
import type { CallOptions, ChatRequest, ThinkingConfig } from '../../../llm/request.ts'
import type { ChatOutcome, StreamDelta } from '../../../llm/response.ts'
import type {
  AiSdkCallOptions,
  AiSdkGenerateResult,
  AiSdkLanguageModel,
  AiSdkStreamResult,
} from '../model.ts'
import { type Dialect, dialectOf } from '../vendor.ts'
import { Embedding } from './embedding.ts'
import { checkNamespaces, type LanguageModelProviderOptions, type ProviderOptions } from './options.ts'
import { reportLostChoice, toCall } from './request/call.ts'
import { toResponse } from './response/answer.ts'
import { DeltaReader } from './response/deltas.ts'
import { outcomeOf } from './response/failure.ts'
import { specified } from './response/specified.ts'
import { readStream } from './response/stream.ts'
import { guarded, oncePerCall, printedOnce, type Report } from './warnings.ts'

/** An AI SDK language model as a provider. */
export class LanguageModelProvider extends BaseProvider {
  readonly provider: string
  readonly model: string
  override readonly configuredThinking: ThinkingConfig | undefined
  declare readonly embed?: (request: EmbedRequest, options?: CallOptions) => Promise<EmbedOutcome>
  declare readonly listModels?: (options?: CallOptions) => Promise<ModelInfo[]>
  declare readonly probe?: (options?: CallOptions) => Promise<void>
  readonly #languageModel: AiSdkLanguageModel
  readonly #dialect: Dialect
  readonly #capabilities: ModelCapabilities | undefined
  readonly #providerOptions: ProviderOptions
  readonly #report: Report

  constructor(languageModel: AiSdkLanguageModel, options: LanguageModelProviderOptions) {
    super()
    // The AI SDK names a model's provider `anthropic.messages` or `openai.chat`, for instance.
    this.provider = languageModel.provider.split('.')[0] ?? languageModel.provider
    this.model = languageModel.modelId
    this.configuredThinking = options.thinking
    this.#languageModel = languageModel
    this.#dialect = dialectOf(languageModel, options.vendor)
    this.#capabilities = options.capabilities
    this.#providerOptions = options.providerOptions ?? {}
    this.#report =
      options.onWarning === undefined
        ? printedOnce(`${languageModel.provider} ${languageModel.modelId}`)
        : guarded(options.onWarning)
    this.#assertConfigured(options)
    const { embeddingModel, embeddingProviderOptions, listModels, probe } = options
    if (embeddingModel !== undefined) {
      const embedding = new Embedding(embeddingModel, embeddingProviderOptions, this.#report)
      this.embed = (request, given) => embedding.embed(request, given)
    }
    if (listModels !== undefined) this.listModels = listModels
    if (probe !== undefined) this.probe = probe
  }

  override async chat(request: ChatRequest, options: CallOptions = {}): Promise<ChatOutcome> {
    const report = oncePerCall(this.#report)
    const call = this.#call(request, options.signal, report)
    let answer: AiSdkGenerateResult
    try {
      answer = await abortable(Promise.resolve(this.#languageModel.doGenerate(call)), options.signal)
    } catch (error) {
      throwIfAborted(options.signal)
      return outcomeOf(error)
    }
    return specified('invalid_provider', () => {
      reportLostChoice(request, answer, this.#dialect, report)
      const context = { modelId: this.model, provider: this.#dialect.namespaces[0], report }
      return { type: 'success', response: toResponse(answer, context) }
    })
  }

  override chatStream(request: ChatRequest, options: CallOptions = {}): AsyncIterable<StreamDelta> {
    const report = oncePerCall(this.#report)
    const open = async (signal: AbortSignal): Promise<AiSdkStreamResult> => {
      const opened = await this.#languageModel.doStream(this.#call(request, signal, report))
      specified('invalid_provider', () => reportLostChoice(request, opened, this.#dialect, report))
      return opened
    }
    return readStream(open, options.signal, new DeltaReader(this.#dialect.namespaces[0], report))
  }

  override capabilities(): ModelCapabilities | undefined {
    return this.#capabilities
  }

  /** `tool_forcing` if the model says that it takes no schema. Some OpenAI-compatible servers take none. */
  override structuredOutputSupport(): StructuredOutputSupport {
    const model: object = this.#languageModel
    return 'supportsStructuredOutputs' in model && model.supportsStructuredOutputs === false
      ? 'tool_forcing'
      : 'native'
  }

  #call(request: ChatRequest, signal: AbortSignal | undefined, report: Report): AiSdkCallOptions {
    throwIfAborted(signal)
    const thinking = request.thinking ?? this.configuredThinking
    this.validateThinkingConfig(thinking)
    return toCall(request, {
      dialect: this.#dialect,
      thinking,
      capabilities: this.#capabilities,
      providerOptions: this.#providerOptions,
      signal,
      report,
    })
  }

  #assertConfigured(options: LanguageModelProviderOptions): void {
    checkNamespaces('providerOptions', options.providerOptions, this.#dialect, this.#report)
    try {
      this.validateThinkingConfig(options.thinking)
    } catch (error) {
      if (!(error instanceof RefreshError)) throw error
      throw new RefreshError('invalid_option', error.message, { cause: error })
    }
  }
}
