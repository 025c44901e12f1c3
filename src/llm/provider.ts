import type { ModelCapabilities, ModelInfo, StructuredOutputSupport } from './capabilities.ts'
import type { EmbedOutcome, EmbedRequest } from './embedding.ts'
import type { CallOptions, ChatRequest, ThinkingConfig } from './request.ts'
import type { ChatOutcome, StreamDelta } from './response.ts'

/** One model of one vendor. It holds a credential. */
export interface LlmProvider {
  /** The vendor, for instance `anthropic`. */
  readonly provider: string
  /** The model's id, as the vendor spells it. */
  readonly model: string
  /** The thinking of a request that names none. */
  readonly configuredThinking: ThinkingConfig | undefined
  /**
   * Asks for a whole response. If the vendor refuses the request, `chat` returns an outcome that says so.
   *
   * @throws a lost connection, the signal's reason, and an error for a request that cannot be sent
   */
  chat(request: ChatRequest, options?: CallOptions): Promise<ChatOutcome>
  /** Asks for a response as a stream. The provider sends nothing before the consumer asks for the first item. */
  chatStream(request: ChatRequest, options?: CallOptions): AsyncIterable<StreamDelta>
  /** The known facts about the model, if any. */
  capabilities(): ModelCapabilities | undefined
  /** @throws RefreshError `invalid_request` if the model does not support this configuration */
  validateThinkingConfig(thinking: ThinkingConfig | undefined): void
  /** The tokens to allow for a request without `maxTokens`. */
  defaultMaxTokens(): number
  structuredOutputSupport(): StructuredOutputSupport
  /** Turns texts into vectors. A provider has this method only if it supports embeddings. It reports failures as `chat` does. */
  embed?(request: EmbedRequest, options?: CallOptions): Promise<EmbedOutcome>
  /**
   * The models that the vendor offers for this credential. A provider has this method only if it can list them.
   *
   * @throws every failure, a rejected credential included
   */
  listModels?(options?: CallOptions): Promise<ModelInfo[]>
  /**
   * Resolves if the vendor can be reached. The request costs nothing. A provider has this method only if it can find out.
   *
   * @throws every failure
   */
  probe?(options?: CallOptions): Promise<void>
}
