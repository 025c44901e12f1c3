/** The content of messages. */

/** The writer of a message. */
export type Role = 'user' | 'assistant'

/**
 * A vendor's statements beside the content, by the AI SDK's name for the vendor. They are for reading; only blocks that say so send them
 * back.
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
  /** The vendor's metadata that the signature does not carry. */
  providerMetadata?: ProviderMetadata | undefined
}

/** Reasoning that the vendor encrypted; opaque, sent back unchanged. */
export interface RedactedThinkingBlock {
  type: 'redacted_thinking'
  data: string
}

/** Reasoning that only its vendor can read, and that has no text. Send it back unchanged: it is left out for any other vendor. */
export interface OpaqueReasoningBlock {
  type: 'opaque_reasoning'
  /** The vendor. The AI SDK surface writes the AI SDK's name for it. */
  provider: string
  /** The data that the vendor wants back, in the provider's own form. */
  data: string
}

/** The model asks for a tool to be run. */
export interface ToolUseBlock {
  type: 'tool_use'
  id: string
  name: string
  input: unknown
  /** Google's opaque signature of the reasoning behind this call; send it back unchanged. */
  thoughtSignature?: string | undefined
  providerMetadata?: ProviderMetadata | undefined
}

/** A tool's result; `toolUseId` names the {@link ToolUseBlock} that asked for it. */
export interface ToolResultBlock {
  type: 'tool_result'
  toolUseId: string
  content: string
  isError?: boolean | undefined
}

/** A source that a response cites. It is for people: it is not sent back. */
export interface SourceBlock {
  type: 'source'
  id: string
  sourceType: 'url' | 'document'
  /** Only for a `url`. */
  url?: string | undefined
  title?: string | undefined
  /** Only for a `document`: for instance `application/pdf`. */
  mediaType?: string | undefined
  filename?: string | undefined
  providerMetadata?: ProviderMetadata | undefined
}

/** The vendor runs a tool of its own. Send it back unchanged, `providerMetadata` included; another vendor's is left out. */
export interface ProviderToolUseBlock {
  type: 'provider_tool_use'
  /** The AI SDK's name for the vendor. */
  provider: string
  id: string
  name: string
  input: unknown
  providerMetadata?: ProviderMetadata | undefined
}

/** The result of a vendor's own tool; `toolUseId` names the {@link ProviderToolUseBlock}. Send it back unchanged, too. */
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

/** The vendor asks whether it may run a tool; a {@link ToolApprovalResponseBlock} answers. */
export interface ToolApprovalRequestBlock {
  type: 'tool_approval_request'
  id: string
  /** Names the {@link ProviderToolUseBlock} that waits for it. */
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

/** A block that a model sends whole, and a stream in one delta. */
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

/** One piece of a message. */
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
