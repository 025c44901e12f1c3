/** Sends reasoning back to the vendor that it came from, with the mark (a signature, or encrypted data) that this vendor put on it. */

import type { OpaqueReasoningBlock, ThinkingBlock } from '../../../../llm/content.ts'
import { markOptions, opaqueMark, readCarried, type Metadata, type ReasoningMark } from '../../signature.ts'
import type { Dialect } from '../../vendor.ts'
import type { Report } from '../warnings.ts'
import type { AssistantPart } from './prompt-message.ts'
import { dropped } from './unsupported.ts'

/** Adds a thinking block. If the block only carries a signature, puts that signature back on the part that it came from. */
export function addThinking(
  content: AssistantPart[],
  block: ThinkingBlock,
  dialect: Dialect,
  report: Report,
): void {
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

/**
 * Adds reasoning with its mark if this vendor made the mark. Otherwise reports the lost mark, and adds the text alone where the vendor
 * takes that.
 */
export function addReasoning(
  content: AssistantPart[],
  text: string,
  mark: ReasoningMark,
  dialect: Dialect,
  report: Report,
): void {
  const feature = 'redacted' in mark ? 'redacted_thinking' : 'thinking.signature'
  const providerOptions = optionsFor(mark, dialect)
  if (providerOptions !== undefined) {
    content.push({ type: 'reasoning', text, providerOptions })
    return
  }
  dropped(report, feature, `it is not one that ${dialect.modelId} takes back`)
  if (text !== '' && !wantsItsOwn(dialect)) content.push({ type: 'reasoning', text })
}

/** Adds reasoning without text, if this vendor made it, or if we do not know the vendor. */
export function addOpaque(
  content: AssistantPart[],
  block: OpaqueReasoningBlock,
  dialect: Dialect,
  report: Report,
): void {
  const mark = opaqueMark(block)
  const providerOptions = mark && optionsFor(mark, dialect)
  if (providerOptions !== undefined) content.push({ type: 'reasoning', text: '', providerOptions })
  else dropped(report, 'opaque_reasoning', `it is not one that ${dialect.modelId} takes back`)
}

/** The `providerOptions` that carry the mark. OpenAI's chat API has no place for reasoning, so it gets none. */
function optionsFor(mark: ReasoningMark, dialect: Dialect): Metadata | undefined {
  const chatOnly = dialect.vendor === 'openai' && !dialect.responses
  return chatOnly ? undefined : markOptions(mark, dialect.vendor, dialect.namespaces)
}

/**
 * True if the vendor takes only reasoning that carries its own mark. Google also takes unmarked reasoning. A server that is
 * OpenAI-compatible, or unknown, may be Google's.
 */
export function wantsItsOwn({ vendor }: Dialect): boolean {
  return vendor === 'anthropic' || vendor === 'openai'
}
