import type { LanguageModelV2Content, LanguageModelV3Content, LanguageModelV4Content } from '@ai-sdk/provider'
import type { ProviderMetadata, WholeBlock } from '../../../../llm/content.ts'
import type { Metadata } from '../../signature.ts'

/** A part of a response, of any version. */
type ContentPart = LanguageModelV2Content | LanguageModelV3Content | LanguageModelV4Content

/** The metadata that a block has own fields for, by the kind of the part. */
const CARRIED: Readonly<Record<'text' | 'reasoning' | 'tool', ReadonlySet<string>>> = {
  text: new Set(['thoughtSignature']),
  reasoning: new Set([
    'redactedData',
    'signature',
    'thoughtSignature',
    'itemId',
    'reasoningEncryptedContent',
  ]),
  tool: new Set(['thoughtSignature']),
}

/** The metadata of a part that the block has no field for; empty if there is none. */
export function untold(
  kind: 'text' | 'reasoning' | 'tool',
  metadata: Metadata | undefined,
): { providerMetadata?: ProviderMetadata } {
  const rest = Object.entries(metadata ?? {}).flatMap(([namespace, fields]) => {
    const left = Object.entries(fields ?? {}).filter(
      ([name, value]) => !CARRIED[kind].has(name) && value !== null && value !== undefined,
    )
    return left.length === 0 ? [] : [[namespace, Object.fromEntries(left)] as const]
  })
  return rest.length === 0 ? {} : { providerMetadata: Object.fromEntries(rest) }
}

/** The block for a part that arrives whole; undefined for any other part. */
export function wholeBlock(part: ContentPart, provider: string): WholeBlock | undefined {
  switch (part.type) {
    case 'source': {
      const { type, id, sourceType, title, providerMetadata } = part
      const common = {
        type,
        id,
        sourceType,
        ...(title !== undefined && { title }),
        ...beside(providerMetadata),
      }
      if (part.sourceType === 'url') return { ...common, url: part.url }
      const { mediaType, filename } = part
      return { ...common, mediaType, ...(filename !== undefined && { filename }) }
    }
    case 'tool-call':
      if (part.providerExecuted !== true) return undefined
      return {
        type: 'provider_tool_use',
        provider,
        id: part.toolCallId,
        name: part.toolName,
        input: parsedInput(part.input),
        ...beside(part.providerMetadata),
      }
    case 'tool-result':
      return {
        type: 'provider_tool_result',
        provider,
        toolUseId: part.toolCallId,
        name: part.toolName,
        result: part.result,
        ...(part.isError !== undefined && { isError: part.isError }),
        ...beside(part.providerMetadata),
      }
    case 'tool-approval-request':
      return {
        type: 'tool_approval_request',
        id: part.approvalId,
        toolUseId: part.toolCallId,
        ...beside(part.providerMetadata),
      }
    default:
      return undefined
  }
}

function beside(providerMetadata: Metadata | undefined): { providerMetadata?: ProviderMetadata } {
  return providerMetadata === undefined ? {} : { providerMetadata }
}

/** A tool's input as a value. Text that is not JSON stays text. */
export function parsedInput(input: string): unknown {
  if (input.trim() === '') return {}
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}
