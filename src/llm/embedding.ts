import type { ChatOutcome } from './response.ts'

/** Texts to turn into vectors. This library never changes the request, and sends the same object on both attempts. */
export interface EmbedRequest {
  /** The texts; at least one. */
  input: string[]
  /**
   * The length of each vector.
   * @default the model's own length
   */
  dimensions?: number | undefined
}

/** The vectors of one request. */
export interface EmbedResponse {
  /** One vector for each text, in the order of the texts. */
  embeddings: number[][]
  /** The model that responded, as the vendor spells it. */
  model: string
  /** The tokens of the request; 0 if the vendor does not count them. */
  usage: { inputTokens: number }
}

/** The result of an `embed`. A rejected credential arrives as `invalid_request`, as it does from `chat`. */
export type EmbedOutcome =
  | { type: 'success'; response: EmbedResponse }
  | Exclude<ChatOutcome, { type: 'success' }>
