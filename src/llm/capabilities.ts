/** The known facts about a model. `llm-refresh/models` has a snapshot of public facts. The program passes them to a provider. */
export interface ModelCapabilities {
  /** The most tokens of input and output together. */
  contextWindow: number
  /** The most tokens that the model generates. */
  maxOutputTokens: number
  /** The kinds of content that a message may hold. */
  input: readonly ('text' | 'image' | 'document')[]
  /** `none`, or the {@link ThinkingConfig} modes that the model accepts. */
  thinking: 'none' | 'enabled' | 'adaptive' | 'both'
}

/** One model that a vendor offers. */
export interface ModelInfo {
  /** The vendor's id of the model. */
  id: string
  /** The vendor's name for people. */
  displayName?: string | undefined
  /** The most tokens of input and output together. */
  contextWindow?: number | undefined
  /** The most tokens that the model generates. */
  maxOutputTokens?: number | undefined
}

/** How a provider gets structured output from its model: by the model's own support for schemas, or by a tool that the model must use. */
export type StructuredOutputSupport = 'native' | 'tool_forcing'
