import type { ContentBlock, ProviderMetadata, WholeBlock } from './content.ts'

/** Why a model stopped. */
export type StopReason = 'end_turn' | 'tool_use' | 'max_tokens' | 'stop_sequence' | 'refusal' | 'unknown'

/**
 * The tokens of a call. `inputTokens` counts the whole input that the vendor billed, including tokens that were read from a cache or
 * written to one. `cachedInputTokens` and `cacheCreationInputTokens` tell how many those were.
 */
export interface Usage {
  inputTokens: number
  outputTokens: number
  cachedInputTokens: number
  cacheCreationInputTokens: number
  /** The output tokens that were reasoning, if the vendor counts them. */
  reasoningTokens?: number | undefined
  /** The vendor's own usage object, unchanged. */
  raw?: Record<string, unknown> | undefined
}

/** The facts about a response besides its content. */
export interface ResponseInfo {
  /** The vendor's id of the response. */
  id?: string | undefined
  /** The model that responded, as the vendor spells it. */
  model?: string | undefined
  /** When the vendor began the response, in epoch ms. */
  createdAt?: number | undefined
  /** The headers of the HTTP response. */
  headers?: Record<string, string> | undefined
  /** The vendor's own name for the reason why the model stopped. */
  rawStopReason?: string | undefined
  providerMetadata?: ProviderMetadata | undefined
}

/** A finished response. */
export interface ChatResponse extends ResponseInfo {
  /** The vendor's id of the response; empty if the vendor sends none. */
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
      /** The wait that the vendor asks for, in ms. */
      retryAfterMs?: number | undefined
    }
  | {
      type: 'invalid_request' | 'server_error'
      message: string
      /** The HTTP status, if the provider knows it. */
      status?: number | undefined
      /** The vendor's own code, if the provider knows it. */
      code?: string | undefined
      /** The `WWW-Authenticate` header of a rejection, if there was one (RFC 9110 section 11.6.1). */
      challenge?: string | undefined
    }

/** The kind of failure that ended a stream. */
export type StreamErrorKind = 'rate_limited' | 'server_error' | 'invalid_request' | 'connection' | 'unknown'

/** A failure inside a stream. */
export interface StreamErrorDelta {
  type: 'error'
  message: string
  kind: StreamErrorKind
  /** The HTTP status, if the provider knows it. */
  status?: number | undefined
  /** The vendor's own code, if the provider knows it. */
  code?: string | undefined
  /** The wait that the vendor asks for, in ms. */
  retryAfterMs?: number | undefined
  /** The `WWW-Authenticate` header of a rejection, if there was one (RFC 9110 section 11.6.1). */
  challenge?: string | undefined
}

/** One item of a stream. `blockIndex` names the content block that it belongs to. */
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
  /** The vendor's metadata of a block, after the block's content. */
  | { type: 'block_metadata'; providerMetadata: ProviderMetadata; blockIndex: number }
  /** Facts about the response, without content. There may be several: a later one replaces the fields that it has. */
  | ({ type: 'response' } & ResponseInfo)
  /** The total so far: the last one counts. */
  | { type: 'usage'; usage: Usage }
  | { type: 'done'; stopReason: StopReason | undefined }
  | StreamErrorDelta
