import type {
  LanguageModelV4ReasoningPart,
  LanguageModelV4TextPart,
  LanguageModelV4ToolApprovalResponsePart,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'
import { RefreshError } from '../../../errors.ts'
import type {
  ContentBlock,
  MediaBlock,
  Message,
  ProviderToolResultBlock,
  ProviderToolUseBlock,
  ThinkingBlock,
  ToolUseBlock,
} from '../../../llm/content.ts'
import type { ChatRequest } from '../../../llm/request.ts'
import { markOptions, readCarried, type Metadata, type ReasoningMark } from '../signature.ts'
import type { Dialect } from '../vendor.ts'
import type { Report } from './warnings.ts'

/** A file: v4 wraps its bytes, the older versions take them bare. */
interface FilePart {
  type: 'file'
  mediaType: string
  data: string | { type: 'data'; data: string }
}

/** `providerOptions` as wide as they are here: what they hold is the vendor's business. */
type Marked<Part> = Omit<Part, 'providerOptions'> & { providerOptions?: Metadata }

type AssistantPart =
  | Marked<LanguageModelV4TextPart>
  | Marked<LanguageModelV4ReasoningPart>
  | Marked<LanguageModelV4ToolCallPart>
  | Marked<ToolResultPart>

type ToolPart = LanguageModelV4ToolResultPart | LanguageModelV4ToolApprovalResponsePart

/** The result of a tool of the vendor's: any JSON. */
interface ToolResultPart extends Omit<LanguageModelV4ToolResultPart, 'output'> {
  output: { type: 'json' | 'error-json'; value: unknown }
}

/** One message of an AI SDK prompt. */
export type PromptMessage =
  | { role: 'system'; content: string }
  | { role: 'user'; content: (LanguageModelV4TextPart | FilePart)[] }
  | { role: 'assistant'; content: AssistantPart[] }
  | { role: 'tool'; content: ToolPart[] }

/**
 * The conversation as an AI SDK prompt.
 *
 * @throws RefreshError `invalid_request` for a conversation that no vendor can be told.
 */
export function toPrompt(request: ChatRequest, dialect: Dialect, report: Report): PromptMessage[] {
  const prompt: PromptMessage[] = request.system === '' ? [] : [{ role: 'system', content: request.system }]
  // A tool result names its tool by id alone; the AI SDK, and Google on the wire, want the name too.
  const toolNames = new Map<string, string>()
  for (const [index, message] of request.messages.entries()) {
    switch (message.role) {
      case 'user':
        prompt.push(...userMessages(message, `messages[${index}]`, toolNames, dialect, report))
        break
      case 'assistant':
        prompt.push(...assistantMessages(message, `messages[${index}]`, toolNames, dialect, report))
        break
      default:
        message.role satisfies never
        throw impossible(`messages[${index}].role must be 'user' or 'assistant'.`)
    }
  }
  return prompt
}

/** Tool results go first: every vendor wants them right behind the calls that they answer. */
function userMessages(
  message: Message,
  where: string,
  toolNames: ReadonlyMap<string, string>,
  dialect: Dialect,
  report: Report,
): PromptMessage[] {
  const results: ToolPart[] = []
  const rest: (LanguageModelV4TextPart | FilePart)[] = []
  for (const block of blocksOf(message)) {
    switch (block.type) {
      case 'text':
        rest.push({ type: 'text', text: block.text })
        break
      case 'image':
      case 'document':
        rest.push(filePart(block, dialect))
        break
      case 'tool_result': {
        const toolName = toolNames.get(block.toolUseId)
        if (toolName === undefined) {
          throw impossible(
            `${where} answers the tool call '${block.toolUseId}', which no message before it makes.`,
          )
        }
        const isError = block.isError === true
        if (isError && !takesToolErrors(dialect)) {
          report({
            type: 'unsupported',
            feature: 'tool_result.isError',
            details: `${dialect.modelId} is sent the content alone`,
          })
        }
        results.push({
          type: 'tool-result',
          toolCallId: block.toolUseId,
          toolName,
          output: { type: isError ? 'error-text' : 'text', value: block.content },
        })
        break
      }
      case 'tool_approval_response': {
        const { approvalId, approved, reason } = block
        if (dialect.version === 'v2') {
          dropped(report, 'tool_approval_response', 'AI SDK 5 has no approvals')
          break
        }
        results.push({
          type: 'tool-approval-response',
          approvalId,
          approved,
          ...(reason !== undefined && { reason }),
        })
        break
      }
      case 'thinking':
      case 'redacted_thinking':
      case 'tool_use':
      case 'source':
      case 'provider_tool_use':
      case 'provider_tool_result':
      case 'tool_approval_request':
        throw misplaced(block, 'user', where)
      default:
        block satisfies never
        throw impossible(`${where} holds a block of a type that is not known.`)
    }
  }
  return [
    ...(results.length > 0 ? [{ role: 'tool', content: results } as const] : []),
    ...(rest.length > 0 || results.length === 0 ? [{ role: 'user', content: rest } as const] : []),
  ]
}

function assistantMessages(
  message: Message,
  where: string,
  toolNames: Map<string, string>,
  dialect: Dialect,
  report: Report,
): PromptMessage[] {
  const content: AssistantPart[] = []
  for (const block of blocksOf(message)) {
    switch (block.type) {
      case 'text':
        content.push({ type: 'text', text: block.text })
        break
      case 'thinking':
        addThinking(content, block, dialect, report)
        break
      case 'redacted_thinking':
        addReasoning(content, '', { redacted: block.data }, dialect, report)
        break
      case 'tool_use':
        toolNames.set(block.id, block.name)
        content.push(toolCallPart(block, dialect, report))
        break
      case 'provider_tool_use':
      case 'provider_tool_result':
        if (block.provider === dialect.namespaces[0]) content.push(providerToolPart(block))
        else dropped(report, block.type, `it is a tool of ${block.provider}'s`)
        break
      case 'source':
      case 'tool_approval_request':
        // They tell the caller something. The vendor knows it.
        break
      case 'tool_result':
      case 'tool_approval_response':
      case 'image':
      case 'document':
        throw misplaced(block, 'assistant', where)
      default:
        block satisfies never
        throw impossible(`${where} holds a block of a type that is not known.`)
    }
  }
  // Vendors refuse an empty turn, which is what is left of one whose every block was dropped.
  return content.length > 0 ? [{ role: 'assistant', content }] : []
}

function addThinking(content: AssistantPart[], block: ThinkingBlock, dialect: Dialect, report: Report): void {
  const { signature, thinking } = block
  if (signature === undefined) {
    if (!wantsItsOwn(dialect)) content.push({ type: 'reasoning', text: thinking })
    else dropped(report, 'thinking', `${dialect.modelId} takes no unsigned reasoning back`)
    return
  }
  const carried = readCarried(signature)
  if (carried !== undefined && !wantsItsOwn(dialect)) {
    const { thoughtSignature, toolUseId } = carried
    const signed =
      toolUseId === undefined
        ? content.at(-1)
        : content.find((part) => part.type === 'tool-call' && part.toolCallId === toolUseId)
    if (signed !== undefined) signed.providerOptions = { google: { thoughtSignature } }
    return
  }
  addReasoning(content, thinking, { signature }, dialect, report)
}

function addReasoning(
  content: AssistantPart[],
  text: string,
  mark: ReasoningMark,
  dialect: Dialect,
  report: Report,
): void {
  const feature = 'redacted' in mark ? 'redacted_thinking' : 'thinking.signature'
  const chatOnly = dialect.vendor === 'openai' && !dialect.responses
  const providerOptions = chatOnly ? undefined : markOptions(mark, dialect.vendor, dialect.namespaces)
  if (providerOptions !== undefined) {
    content.push({ type: 'reasoning', text, providerOptions })
    return
  }
  dropped(report, feature, `it is not one that ${dialect.modelId} takes back`)
  if (text !== '' && !wantsItsOwn(dialect)) content.push({ type: 'reasoning', text })
}

function toolCallPart(block: ToolUseBlock, dialect: Dialect, report: Report): AssistantPart {
  const { id, name, input, thoughtSignature } = block
  const part = { type: 'tool-call', toolCallId: id, toolName: name, input } as const
  if (thoughtSignature === undefined) return part
  if (wantsItsOwn(dialect)) {
    dropped(report, 'tool_use.thoughtSignature', `${dialect.modelId} knows none`)
    return part
  }
  return { ...part, providerOptions: { google: { thoughtSignature } } }
}

function providerToolPart(block: ProviderToolUseBlock | ProviderToolResultBlock): AssistantPart {
  const { name: toolName, providerMetadata } = block
  const providerOptions = providerMetadata === undefined ? {} : { providerOptions: providerMetadata }
  if (block.type === 'provider_tool_use') {
    const { id: toolCallId, input } = block
    return {
      type: 'tool-call',
      toolCallId,
      toolName,
      input,
      providerExecuted: true,
      ...providerOptions,
    }
  }
  const { toolUseId: toolCallId, result: value, isError } = block
  const output = { type: isError === true ? 'error-json' : 'json', value } as const
  return { type: 'tool-result', toolCallId, toolName, output, ...providerOptions }
}

function filePart(block: MediaBlock, dialect: Dialect): FilePart {
  const { mediaType, data } = block.source
  return { type: 'file', mediaType, data: dialect.version === 'v4' ? { type: 'data', data } : data }
}

function blocksOf(message: Message): ContentBlock[] {
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
}

/**
 * These take reasoning only with a mark of their own. Google takes it without; and a server that is
 * OpenAI-compatible, or not known, may be Google's.
 */
function wantsItsOwn({ vendor }: Dialect): boolean {
  return vendor === 'anthropic' || vendor === 'openai'
}

/** Whether the AI SDK provider tells the vendor that a tool failed. */
function takesToolErrors({ vendor, version }: Dialect): boolean {
  return vendor === 'anthropic' || (version === 'v4' && vendor !== 'openai-compatible')
}

function dropped(report: Report, feature: string, details: string): void {
  report({ type: 'unsupported', feature, details })
}

function misplaced(block: ContentBlock, role: Message['role'], where: string): RefreshError {
  return impossible(`${where}: a message of the ${role} cannot hold a ${block.type} block.`)
}

function impossible(message: string): RefreshError {
  return new RefreshError('invalid_request', message)
}
