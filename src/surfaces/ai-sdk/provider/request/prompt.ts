import type { ContentBlock, Message } from '../../../../llm/content.ts'
import type { ChatRequest } from '../../../../llm/request.ts'
import type { Dialect } from '../../vendor.ts'
import type { Report } from '../warnings.ts'
import { assistantMessages } from './assistant-messages.ts'
import type { PromptMessage } from './prompt-message.ts'
import { impossible } from './unsupported.ts'
import { userMessages } from './user-messages.ts'

/**
 * Converts the conversation into an AI SDK prompt.
 *
 * @throws RefreshError `invalid_request` for a conversation that no vendor supports
 */
export function toPrompt(request: ChatRequest, dialect: Dialect, report: Report): PromptMessage[] {
  const prompt: PromptMessage[] = request.system === '' ? [] : [{ role: 'system', content: request.system }]
  // A tool result has only the id of its tool call. The AI SDK and Google also want the tool's name, so we look it up here.
  const toolNames = new Map<string, string>()
  for (const [index, message] of request.messages.entries()) {
    const where = `messages[${index}]`
    switch (message.role) {
      case 'user':
        prompt.push(...userMessages(blocksOf(message), where, toolNames, dialect, report))
        break
      case 'assistant':
        prompt.push(...assistantMessages(blocksOf(message), where, toolNames, dialect, report))
        break
      default:
        message.role satisfies never
        throw impossible(`${where}.role must be 'user' or 'assistant'.`)
    }
  }
  return prompt
}

function blocksOf(message: Message): ContentBlock[] {
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
}
