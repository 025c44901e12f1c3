import type { ContentBlock, ProviderMetadata, WholeBlock } from './content.ts'

/** Why a model stopped. */
export type StopReason = 'end_turn' | 'tool_use' | 'max_tokens' | 'stop_sequence' | 'refusal' | 'unknown'

/**
 * Tokens a call has cost. `inputTokens` is the whole input as the vendor billed it, the tokens read
 * from and written to a cache included; the other two tell how many of them those were.
 */
export interface Usage {
  inputTokens: number
  outputTokens: number
  cachedInputTokens: number
  cacheCreationInputTokens: number
  /** The number of output tokens that were reasoning, if the vendor tells. */
  reasoningTokens?: number | undefined
  /** The vendor's own count, as it came. */
  raw?: Record<string, unknown> | undefined
}

/** The facts about a response besides its content. */
export interface ResponseInfo {
  /** The vendor's id of the response. */
  id?: string | undefined
  /** The model that answered, as the vendor spells it. */
  model?: string | undefined
  /** When the vendor began the response, epoch ms. */
  createdAt?: number | undefined
  /** The headers of the HTTP response. */
  headers?: Record<string, string> | undefined
  /** The vendor's own word for the reason why the model stopped. */
  rawStopReason?: string | undefined
  providerMetadata?: ProviderMetadata | undefined
}

/** A finished response. */
export interface ChatResponse extends ResponseInfo {
  /** Empty if the vendor tells none. */
  id: string
  content: ContentBlock[]
  model: string
  stopReason: StopReason | undefined
  usage: Usage
}

/** The result of a `chat`. A rejected credential arrives as `invalid_request`. */
export type ChatOutcome =
  | { type: 'success'; response: ChatResponse }
  | {
      type: 'rate_limited'
      /** ms */
      retryAfterMs?: number | undefined
    }
  | {
      type: 'invalid_request' | 'server_error'
      message: string
      /** HTTP status, when the provider knew it. */
      status?: number | undefined
      /** The vendor's own code, when the provider knew it. */
      code?: string | undefined
      /** The `WWW-Authenticate` header of a rejection, when there was one (RFC 9110 section 11.6.1). */
      challenge?: string | undefined
    }

/** The kind of failure that ended a stream. */
export type StreamErrorKind = 'rate_limited' | 'server_error' | 'invalid_request' | 'connection' | 'unknown'

/** A failure inside a stream. */
export interface StreamErrorDelta {
  type: 'error'
  message: string
  kind: StreamErrorKind
  /** HTTP status, when the provider knew it. */
  status?: number | undefined
  /** The vendor's own code, when the provider knew it. */
  code?: string | undefined
  /** ms */
  retryAfterMs?: number | undefined
  /** The `WWW-Authenticate` header of a rejection, when there was one (RFC 9110 section 11.6.1). */
  challenge?: string | undefined
}

/** One item of a stream. `blockIndex` tells which content block it belongs to. */
export type StreamDelta =
  | {
      type: 'text_delta' | 'thinking_delta' | 'signature_delta'
      delta: string
      blockIndex: number
    }
  | {
      type: 'tool_use_start'
      id: string
      name: string
      blockIndex: number
      thoughtSignature?: string | undefined
    }
  | {
      type: 'tool_input_delta'
      id: string
      /** A piece of the input's JSON text. */
      delta: string
      blockIndex: number
    }
  | { type: 'redacted_thinking'; data: string; blockIndex: number }
  | { type: 'opaque_reasoning'; provider: string; data: string; blockIndex: number }
  | { type: 'block'; block: WholeBlock; blockIndex: number }
  /** The vendor's statements about a block beside its content, once the block is over. */
  | { type: 'block_metadata'; providerMetadata: ProviderMetadata; blockIndex: number }
  /** No content. It may come more than once: a later one adds to an earlier one, field by field. */
  | ({ type: 'response' } & ResponseInfo)
  /** A running total: the last one counts. */
  | { type: 'usage'; usage: Usage }
  | { type: 'done'; stopReason: StopReason | undefined }
  | StreamErrorDelta
