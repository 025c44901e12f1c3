/** The known facts about a model. `llm-refresh/models` has a snapshot of public facts; the host passes them in. */
export interface ModelCapabilities {
  /** Most tokens of input and output together. */
  contextWindow: number
  /** Most tokens the model will generate. */
  maxOutputTokens: number
  /** The kinds of content that a message may hold. */
  input: readonly ('text' | 'image' | 'document')[]
  /** `none`, or which {@link ThinkingConfig} modes the model takes. */
  thinking: 'none' | 'enabled' | 'adaptive' | 'both'
}

/** One model that a vendor offers. */
export interface ModelInfo {
  /** The vendor's id of the model. */
  id: string
  /** The vendor's name for people. */
  displayName?: string | undefined
  /** Most tokens of input and output together. */
  contextWindow?: number | undefined
  /** Most tokens the model will generate. */
  maxOutputTokens?: number | undefined
}

/** How a provider gets structured output from its model. */
export type StructuredOutputSupport = 'native' | 'tool_forcing'
