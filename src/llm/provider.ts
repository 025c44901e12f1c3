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
   * Asks for a whole answer. What the vendor refused is an outcome; a broken connection, an abort or a
   * request that cannot be sent is thrown.
   */
  chat(request: ChatRequest, options?: CallOptions): Promise<ChatOutcome>
  /** Asks for an answer piece by piece. Nothing is sent before the first item is asked for. */
  chatStream(request: ChatRequest, options?: CallOptions): AsyncIterable<StreamDelta>
  /** What is known of the model, if anything. */
  capabilities(): ModelCapabilities | undefined
  /** @throws RefreshError `invalid_request` when the model cannot think that way. */
  validateThinkingConfig(thinking: ThinkingConfig | undefined): void
  /** Tokens to allow when a request has no `maxTokens`. */
  defaultMaxTokens(): number
  structuredOutputSupport(): StructuredOutputSupport
  /** KeyedMutex texts into vectors. It is there only where the provider can do so; it fails as `chat` fails. */
  embed?(request: EmbedRequest, options?: CallOptions): Promise<EmbedOutcome>
  /**
   * The models that the vendor offers to this credential. It is there only where the provider can list them.
   *
   * @throws what went wrong: a rejected credential, too, is a thrown error here
   */
  listModels?(options?: CallOptions): Promise<ModelInfo[]>
  /**
   * Resolves where the vendor can be reached. It costs nothing. It is there only where the provider can find out.
   *
   * @throws what went wrong
   */
  probe?(options?: CallOptions): Promise<void>
}
