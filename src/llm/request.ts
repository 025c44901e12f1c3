import type { Message } from './content.ts'

/** A JSON Schema object. */
export type JsonSchema = { [keyword: string]: unknown }

/** A tool that the model may ask for. */
export interface Tool {
  name: string
  description?: string | undefined
  /** JSON Schema of the tool's input. */
  inputSchema: JsonSchema
}

/** How a model uses tools: it chooses one itself, or must use the named one. */
export type ToolChoice = { type: 'auto' } | { type: 'tool'; name: string }

/** How hard a model shall think, if it can be told. */
export type Effort = 'low' | 'medium' | 'high' | 'max'

/** Thinking with a fixed budget in tokens, or as much as the model sees fit. */
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
  /** Ask the vendor to enforce the schema to the letter, if it can. */
  strict?: boolean | undefined
}

/** One request to a model. This library never changes it, and sends the same object on both attempts. */
export interface ChatRequest {
  /** The system prompt; empty for none. */
  system: string
  messages: Message[]
  tools?: Tool[] | undefined
  /** Most tokens to generate. Absent: not explicit, the provider's default applies. */
  maxTokens?: number | undefined
  /** Groups the requests of one conversation, for vendors that route or cache by it. */
  sessionId?: string | undefined
  /** Name of content that the vendor holds in a cache (Google). */
  cachedContent?: string | undefined
  thinking?: ThinkingConfig | undefined
  toolChoice?: ToolChoice | undefined
  responseFormat?: ResponseFormat | undefined
}

/** Options of one call. */
export interface CallOptions {
  /** Ends this call. It never ends a refresh that others wait for. */
  signal?: AbortSignal | undefined
}
