/** The content of messages. */

/** The writer of a message. */
export type Role = 'user' | 'assistant'

/**
 * What a vendor says about a block besides its content, by the AI SDK's name for the vendor. Read it if you like. The library returns it to
 * the vendor only for blocks that say so.
 */
export type ProviderMetadata = Record<string, Record<string, unknown>>

/** Plain text. */
export interface TextBlock {
  type: 'text'
  text: string
  providerMetadata?: ProviderMetadata | undefined
}

/** A model's reasoning. Send it back unchanged, signature included: vendors check it. */
export interface ThinkingBlock {
  type: 'thinking'
  thinking: string
  signature?: string | undefined
  /** The vendor's metadata, except what the signature carries. */
  providerMetadata?: ProviderMetadata | undefined
}

/** Reasoning that the vendor encrypted. Send it back unchanged. */
export interface RedactedThinkingBlock {
  type: 'redacted_thinking'
  data: string
}

/** Reasoning without text that only its vendor can read. Send it back unchanged. A request to another vendor leaves it out. */
export interface OpaqueReasoningBlock {
  type: 'opaque_reasoning'
  /** The vendor's name. The AI SDK surface uses the AI SDK's name. */
  provider: string
  /** The data that the vendor wants back, in the provider's own form. */
  data: string
}

/** The model's request to run a tool. */
export interface ToolUseBlock {
  type: 'tool_use'
  id: string
  name: string
  input: unknown
  /** Google's signature of the reasoning behind this call. Send it back unchanged. */
  thoughtSignature?: string | undefined
  providerMetadata?: ProviderMetadata | undefined
}

/** A tool's result. `toolUseId` names the {@link ToolUseBlock} that requested it. */
export interface ToolResultBlock {
  type: 'tool_result'
  toolUseId: string
  content: string
  isError?: boolean | undefined
}

/** A source that a response cites. It informs people. The library does not send it back. */
export interface SourceBlock {
  type: 'source'
  id: string
  sourceType: 'url' | 'document'
  /** Present only for a `url`. */
  url?: string | undefined
  title?: string | undefined
  /** Present only for a `document`: `application/pdf`, for instance. */
  mediaType?: string | undefined
  filename?: string | undefined
  providerMetadata?: ProviderMetadata | undefined
}

/** The vendor's call of its own tool. Send it back unchanged, `providerMetadata` included. A request to another vendor leaves it out. */
export interface ProviderToolUseBlock {
  type: 'provider_tool_use'
  /** The AI SDK's name for the vendor. */
  provider: string
  id: string
  name: string
  input: unknown
  providerMetadata?: ProviderMetadata | undefined
}

/** The result of a vendor's own tool. `toolUseId` names the {@link ProviderToolUseBlock}. Send it back unchanged, too. */
export interface ProviderToolResultBlock {
  type: 'provider_tool_result'
  /** The AI SDK's name for the vendor. */
  provider: string
  toolUseId: string
  name: string
  result: unknown
  isError?: boolean | undefined
  providerMetadata?: ProviderMetadata | undefined
}

/** The vendor's question whether it may run a tool. A {@link ToolApprovalResponseBlock} answers it. */
export interface ToolApprovalRequestBlock {
  type: 'tool_approval_request'
  id: string
  /** The id of the {@link ProviderToolUseBlock} that waits for the answer. */
  toolUseId: string
  providerMetadata?: ProviderMetadata | undefined
}

/** A person's answer to a {@link ToolApprovalRequestBlock}, in a message of the user. */
export interface ToolApprovalResponseBlock {
  type: 'tool_approval_response'
  /** The id of the request. */
  approvalId: string
  approved: boolean
  reason?: string | undefined
}

/** A block that a stream sends whole, in one delta. */
export type WholeBlock =
  | SourceBlock
  | ProviderToolUseBlock
  | ProviderToolResultBlock
  | ToolApprovalRequestBlock

/** Bytes in a message. */
export interface MediaSource {
  /** For instance `image/png` or `application/pdf`. */
  mediaType: string
  /** base64, without a `data:` prefix. */
  data: string
}

/** A picture or a document. */
export interface MediaBlock {
  type: 'image' | 'document'
  source: MediaSource
}

/** One block of a message. */
export type ContentBlock =
  | TextBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | OpaqueReasoningBlock
  | ToolUseBlock
  | ToolResultBlock
  | ToolApprovalResponseBlock
  | MediaBlock
  | WholeBlock

/** One turn of a conversation. */
export interface Message {
  role: Role
  content: string | ContentBlock[]
}
