import type {
  ContentBlock,
  ProviderToolResultBlock,
  ProviderToolUseBlock,
  ToolUseBlock,
} from '../../../../llm/content.ts'
import type { Dialect } from '../../vendor.ts'
import type { Report } from '../warnings.ts'
import type { AssistantPart, PromptMessage } from './prompt-message.ts'
import { addOpaque, addReasoning, addThinking, wantsItsOwn } from './reasoning.ts'
import { dropped, impossible, misplaced } from './unsupported.ts'

/** Converts a message of the assistant, and adds the names of its tool calls to `toolNames`. */
export function assistantMessages(
  blocks: readonly ContentBlock[],
  where: string,
  toolNames: Map<string, string>,
  dialect: Dialect,
  report: Report,
): PromptMessage[] {
  const content: AssistantPart[] = []
  for (const block of blocks) {
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
      case 'opaque_reasoning':
        addOpaque(content, block, dialect, report)
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
        // Skip these blocks: they inform the caller, and the vendor already knows their content.
        break
      case 'tool_result':
      case 'tool_approval_response':
      case 'image':
      case 'document':
        throw misplaced(block, 'assistant', where)
      default:
        block satisfies never
        throw impossible(`${where} holds a block of a type that is not known: leave it out.`)
    }
  }
  // Leave out a turn without blocks: vendors refuse an empty turn.
  return content.length > 0 ? [{ role: 'assistant', content }] : []
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
