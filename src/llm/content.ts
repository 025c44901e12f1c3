/** What a message is made of. */

/** Who wrote a message. */
export type Role = 'user' | 'assistant'

/** Plain text. */
export interface TextBlock {
  type: 'text'
  text: string
}

/** A model's reasoning. Send it back unchanged, signature included: vendors check it. */
export interface ThinkingBlock {
  type: 'thinking'
  thinking: string
  signature?: string | undefined
}

/** Reasoning that the vendor encrypted; opaque, sent back unchanged. */
export interface RedactedThinkingBlock {
  type: 'redacted_thinking'
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
}

/** What a tool answered; `toolUseId` names the {@link ToolUseBlock} it answers. */
export interface ToolResultBlock {
  type: 'tool_result'
  toolUseId: string
  content: string
  isError?: boolean | undefined
}

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
  | ToolUseBlock
  | ToolResultBlock
  | MediaBlock

/** One turn of a conversation. */
export interface Message {
  role: Role
  content: string | ContentBlock[]
}
