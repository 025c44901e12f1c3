import type { Message } from './content.ts'

/** A JSON Schema object. */
export type JsonSchema = { [keyword: string]: unknown }

/** A tool that the model may use. */
export interface Tool {
  name: string
  description?: string | undefined
  /** JSON Schema of the tool's input. */
  inputSchema: JsonSchema
}

/** Which tools the model uses: it decides itself, or must use the named one. */
export type ToolChoice = { type: 'auto' } | { type: 'tool'; name: string }

/** How much a model should think, if it accepts an effort. */
export type Effort = 'low' | 'medium' | 'high' | 'max'

/** Thinking with a fixed budget in tokens, or as much as the model decides. */
export type ThinkingConfig =
  | { mode: 'enabled'; budgetTokens: number; effort?: Effort | undefined }
  | { mode: 'adaptive'; effort?: Effort | undefined }

/** The shape that the response must have. */
export interface ResponseFormat {
  type: 'json_schema'
  /** A name for the schema; some vendors require one. */
  name: string
  description?: string | undefined
  schema: JsonSchema
  /**
   * Asks the vendor to enforce the schema exactly, if it can.
   * @default the vendor's
   */
  strict?: boolean | undefined
}

/** One request to a model. This library never changes it, and sends the same object on both attempts. */
export interface ChatRequest {
  /** The system prompt; an empty text for none. */
  system: string
  messages: Message[]
  tools?: Tool[] | undefined
  /**
   * The most tokens to generate.
   * @default the provider's
   */
  maxTokens?: number | undefined
  /** The conversation that this request belongs to, for vendors that route or cache by conversation. */
  sessionId?: string | undefined
  /** The name of content that the vendor keeps in a cache (Google). */
  cachedContent?: string | undefined
  thinking?: ThinkingConfig | undefined
  toolChoice?: ToolChoice | undefined
  responseFormat?: ResponseFormat | undefined
}

/** Options of one call. */
export interface CallOptions {
  /** Ends this call. It does not end a refresh, because other callers may wait for it. */
  signal?: AbortSignal | undefined
}
