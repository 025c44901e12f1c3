import type { ChatOutcome } from './response.ts'

/** Texts to be turned into vectors. The request is never changed by this library, and is the same object on both attempts. */
export interface EmbedRequest {
  /** At least one. */
  input: string[]
  /** How long each vector shall be. Absent: as long as the model makes it. */
  dimensions?: number | undefined
}

/** The vectors of one request. */
export interface EmbedResponse {
  /** One for each text, in the order of the texts. */
  embeddings: number[][]
  /** The model that answered, as the vendor spells it. */
  model: string
  /** What the request has cost; 0 where the vendor does not tell. */
  usage: { inputTokens: number }
}

/** What became of an `embed`. A rejected credential arrives as `invalid_request`, as it does from `chat`. */
export type EmbedOutcome =
  | { type: 'success'; response: EmbedResponse }
  | Exclude<ChatOutcome, { type: 'success' }>
