import type { ModelCapabilities, ModelInfo, StructuredOutputSupport } from './capabilities.ts'
import type { EmbedOutcome, EmbedRequest } from './embedding.ts'
import type { CallOptions, ChatRequest, ThinkingConfig } from './request.ts'
import type { ChatOutcome, StreamDelta } from './response.ts'

/** One model of one vendor, with a credential inside. */
export interface LlmProvider {
  /** The vendor, for instance `anthropic`. */
  readonly provider: string
  /** The model's id, as the vendor spells it. */
  readonly model: string
  /** The thinking that applies when a request names none. */
  readonly configuredThinking: ThinkingConfig | undefined
  /**
   * Asks for a whole response. A vendor's refusal is an outcome; a broken connection, an abort or a request that cannot be sent is thrown.
   */
  chat(request: ChatRequest, options?: CallOptions): Promise<ChatOutcome>
  /** Asks for a response piece by piece. Nothing is sent before the consumer asks for the first item. */
  chatStream(request: ChatRequest, options?: CallOptions): AsyncIterable<StreamDelta>
  /** The known facts about the model, if any. */
  capabilities(): ModelCapabilities | undefined
  /** @throws RefreshError `invalid_request` when the model cannot think that way. */
  validateThinkingConfig(thinking: ThinkingConfig | undefined): void
  /** Tokens to allow when a request has no `maxTokens`. */
  defaultMaxTokens(): number
  structuredOutputSupport(): StructuredOutputSupport
  /** Turns texts into vectors. It exists only if the provider can do so; it fails as `chat` fails. */
  embed?(request: EmbedRequest, options?: CallOptions): Promise<EmbedOutcome>
  /**
   * The models that the vendor offers to this credential. It exists only if the provider can list them.
   *
   * @throws the failure: a rejected credential, too, is a thrown error here
   */
  listModels?(options?: CallOptions): Promise<ModelInfo[]>
  /**
   * Resolves if the vendor can be reached. It costs nothing. It exists only if the provider can find out.
   *
   * @throws the failure
   */
  probe?(options?: CallOptions): Promise<void>
}
