import type {
  LanguageModelV4ReasoningPart,
  LanguageModelV4TextPart,
  LanguageModelV4ToolApprovalResponsePart,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'
import type { Metadata } from '../../signature.ts'

/** A file. v4 wraps the bytes in an object; the older versions take the bytes themselves. */
export interface FilePart {
  type: 'file'
  mediaType: string
  data: string | { type: 'data'; data: string }
}

/** A part with any `providerOptions`: only the vendor knows their types. */
type Marked<Part> = Omit<Part, 'providerOptions'> & { providerOptions?: Metadata }

/** The parts of a user's message. */
export type UserPart = LanguageModelV4TextPart | FilePart

/** The parts of an assistant's message. */
export type AssistantPart =
  | Marked<LanguageModelV4TextPart>
  | Marked<LanguageModelV4ReasoningPart>
  | Marked<LanguageModelV4ToolCallPart>
  | Marked<ToolResultPart>

/** The parts of a tool's message. */
export type ToolPart = LanguageModelV4ToolResultPart | LanguageModelV4ToolApprovalResponsePart

/** The result of a tool that the vendor runs: any JSON. */
interface ToolResultPart extends Omit<LanguageModelV4ToolResultPart, 'output'> {
  output: { type: 'json' | 'error-json'; value: unknown }
}

/** One message of an AI SDK prompt. */
export type PromptMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: UserPart[] }
  | { role: 'assistant'; content: AssistantPart[] }
  | { role: 'tool'; content: ToolPart[] }
