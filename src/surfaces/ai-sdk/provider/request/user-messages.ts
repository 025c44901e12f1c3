import type { ContentBlock, MediaBlock } from '../../../../llm/content.ts'
import type { Dialect } from '../../vendor.ts'
import type { Report } from '../warnings.ts'
import type { FilePart, PromptMessage, ToolPart, UserPart } from './prompt-message.ts'
import { dropped, impossible, misplaced } from './unsupported.ts'

/** Converts a message of the user. Tool results go first, because every vendor wants them directly behind the tool calls. */
export function userMessages(
  blocks: readonly ContentBlock[],
  where: string,
  toolNames: ReadonlyMap<string, string>,
  dialect: Dialect,
  report: Report,
): PromptMessage[] {
  const results: ToolPart[] = []
  const rest: UserPart[] = []
  for (const block of blocks) {
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
            `${where} answers the tool call '${block.toolUseId}', which no message before it makes: add that message.`,
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
      case 'opaque_reasoning':
      case 'tool_use':
      case 'source':
      case 'provider_tool_use':
      case 'provider_tool_result':
      case 'tool_approval_request':
        throw misplaced(block, 'user', where)
      default:
        block satisfies never
        throw impossible(`${where} holds a block of a type that is not known: leave it out.`)
    }
  }
  return [
    ...(results.length > 0 ? [{ role: 'tool', content: results } as const] : []),
    ...(rest.length > 0 || results.length === 0 ? [{ role: 'user', content: rest } as const] : []),
  ]
}

function filePart(block: MediaBlock, dialect: Dialect): FilePart {
  const { mediaType, data } = block.source
  return { type: 'file', mediaType, data: dialect.version === 'v4' ? { type: 'data', data } : data }
}

/** True if the AI SDK's provider tells the vendor that a tool failed. */
function takesToolErrors({ vendor, version }: Dialect): boolean {
  return vendor === 'anthropic' || (version === 'v4' && vendor !== 'openai-compatible')
}
