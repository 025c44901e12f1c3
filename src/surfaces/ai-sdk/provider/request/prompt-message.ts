import type {
  LanguageModelV4ReasoningPart,
  LanguageModelV4TextPart,
  LanguageModelV4ToolApprovalResponsePart,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'
import type { Metadata } from '../../signature.ts'

/** A file: v4 wraps its bytes, the older versions take them bare. */
export interface FilePart {
  type: 'file'
  mediaType: string
  data: string | { type: 'data'; data: string }
}

/** `providerOptions` as wide as they are here: what they hold is the vendor's business. */
type Marked<Part> = Omit<Part, 'providerOptions'> & { providerOptions?: Metadata }

/** What a message of the user holds. */
export type UserPart = LanguageModelV4TextPart | FilePart

/** What a message of the assistant holds. */
export type AssistantPart =
  | Marked<LanguageModelV4TextPart>
  | Marked<LanguageModelV4ReasoningPart>
  | Marked<LanguageModelV4ToolCallPart>
  | Marked<ToolResultPart>

/** What a message of a tool holds. */
export type ToolPart = LanguageModelV4ToolResultPart | LanguageModelV4ToolApprovalResponsePart

/** The result of a tool of the vendor's: any JSON. */
interface ToolResultPart extends Omit<LanguageModelV4ToolResultPart, 'output'> {
  output: { type: 'json' | 'error-json'; value: unknown }
}

/** One message of an AI SDK prompt. */
export type PromptMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: UserPart[] }
  | { role: 'assistant'; content: AssistantPart[] }
  | { role: 'tool'; content: ToolPart[] }
