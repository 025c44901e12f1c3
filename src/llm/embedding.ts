import type { ChatOutcome } from './response.ts'

/** Texts to be turned into vectors. The request is never changed by this library, and is the same object on both attempts. */
export interface EmbedRequest {
  /** At least one. */
  input: string[]
  /** The length of each vector. Absent: the model's own length. */
  dimensions?: number | undefined
}

/** The vectors of one request. */
export interface EmbedResponse {
  /** One vector for each text, in the order of the texts. */
  embeddings: number[][]
  /** The model that answered, as the vendor spells it. */
  model: string
  /** The cost of the request; 0 if the vendor does not tell. */
  usage: { inputTokens: number }
}

/** The result of an `embed`. A rejected credential arrives as `invalid_request`, as it does from `chat`. */
export type EmbedOutcome =
  | { type: 'success'; response: EmbedResponse }
  | Exclude<ChatOutcome, { type: 'success' }>
