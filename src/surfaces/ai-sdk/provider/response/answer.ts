import type {
  LanguageModelV2,
  LanguageModelV2FinishReason,
  LanguageModelV3FinishReason,
  LanguageModelV3GenerateResult,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
} from '@ai-sdk/provider'
import { RefreshError } from '../../../../errors.ts'
import type { ContentBlock } from '../../../../llm/content.ts'
import type { ChatResponse, StopReason } from '../../../../llm/response.ts'
import type { AiSdkGenerateResult } from '../../model.ts'
import { isRecord } from '../../record.ts'
import {
  type Metadata,
  readReasoningMark,
  readThoughtSignature,
  carriedSignature,
  opaqueBlock,
} from '../../signature.ts'
import type { Report } from '../warnings.ts'
import { parsedInput, untold, wholeBlock } from './carried.ts'
import { aboutResponse } from './response-info.ts'
import { readSdkWarning } from './sdk-warning.ts'
import { assertTexts } from './specified.ts'
import { toUsage } from './usage.ts'

type GenerateResult =
  | Awaited<ReturnType<LanguageModelV2['doGenerate']>>
  | LanguageModelV3GenerateResult
  | LanguageModelV4GenerateResult

type FinishReason = LanguageModelV2FinishReason | LanguageModelV3FinishReason | LanguageModelV4FinishReason

/** The model that responded, and the callback for warnings. */
export interface ResponseContext {
  readonly modelId: string
  /** The AI SDK's name for the vendor. */
  readonly provider: string
  readonly report: Report
}

/** Converts an AI SDK response into a `ChatResponse`. Reports content that a `ContentBlock` cannot hold. */
export function toResponse(answer: AiSdkGenerateResult, context: ResponseContext): ChatResponse {
  const { modelId, report } = context
  if (!isSpecified(answer)) {
    throw new RefreshError(
      'invalid_provider',
      `${modelId} answered with no content, usage or finishReason: upgrade its provider package.`,
    )
  }
  for (const warning of answer.warnings ?? []) report(readSdkWarning(warning))
  const content = answer.content.flatMap((part) => toBlocks(part, context))
  const callsTools = content.some(({ type }) => type === 'tool_use')
  const info = aboutResponse(answer.response, answer)
  return {
    ...info,
    id: info.id ?? '',
    content,
    model: info.model ?? modelId,
    stopReason: toStopReason(answer.finishReason, answer.providerMetadata, callsTools),
    usage: toUsage(answer.usage, answer.providerMetadata),
  }
}

/** Checks only the fields without which this file would fail. */
function isSpecified(answer: AiSdkGenerateResult): answer is GenerateResult {
  const { content, usage, finishReason } = answer
  return (
    Array.isArray(content) && isRecord(usage) && (isRecord(finishReason) || typeof finishReason === 'string')
  )
}

function toBlocks(
  part: GenerateResult['content'][number],
  { provider, report }: ResponseContext,
): ContentBlock[] {
  assertTexts(part)
  const whole = wholeBlock(part, provider)
  if (whole !== undefined) return [whole]
  switch (part.type) {
    case 'text': {
      const signature = readThoughtSignature(part.providerMetadata)
      const beside = untold('text', part.providerMetadata)
      return [
        ...(part.text === '' ? [] : [{ type: 'text', text: part.text, ...beside } as const]),
        ...(signature === undefined
          ? []
          : [{ type: 'thinking', thinking: '', signature: carriedSignature(signature) } as const]),
      ]
    }
    case 'reasoning': {
      const mark = readReasoningMark(part.providerMetadata)
      const beside = untold('reasoning', part.providerMetadata)
      if (mark === undefined)
        return part.text === '' ? [] : [{ type: 'thinking', thinking: part.text, ...beside }]
      const opaque = part.text === '' ? opaqueBlock(mark) : undefined
      if (opaque !== undefined) return [opaque]
      if ('redacted' in mark) return [{ type: 'redacted_thinking', data: mark.redacted }]
      return [{ type: 'thinking', thinking: part.text, signature: mark.signature, ...beside }]
    }
    case 'tool-call': {
      const thoughtSignature = readThoughtSignature(part.providerMetadata)
      return [
        {
          type: 'tool_use',
          id: part.toolCallId,
          name: part.toolName,
          input: parsedInput(part.input),
          ...(thoughtSignature !== undefined && { thoughtSignature }),
          ...untold('tool', part.providerMetadata),
        },
      ]
    }
    case 'file':
    case 'reasoning-file':
    case 'source':
    case 'custom':
    case 'tool-result':
    case 'tool-approval-request':
      reportPart(report, part.type)
      return []
    default:
      part satisfies never
      reportPart(report, 'of a kind that is not known')
      return []
  }
}

/** Reports content that neither a `ContentBlock` nor a `StreamDelta` can hold. */
export function reportPart(report: Report, kind: string): void {
  report({ type: 'unsupported', feature: `content: ${kind}`, details: 'left out of the answer' })
}

/**
 * Why the model stopped. A response with tool calls stopped for them, even if the vendor says `stop`: OpenAI says so when the request
 * forced the call.
 */
export function toStopReason(
  reason: FinishReason,
  metadata: Metadata | undefined,
  callsTools: boolean,
): StopReason {
  const { unified, raw } = typeof reason === 'string' ? { unified: reason, raw: undefined } : reason
  switch (unified) {
    case 'stop':
      // The unified reason `stop` stands for three reasons of Anthropic, so read the raw one.
      if (raw === 'stop_sequence' || typeof metadata?.['anthropic']?.['stopSequence'] === 'string') {
        return 'stop_sequence'
      }
      if (callsTools) return 'tool_use'
      return raw === 'pause_turn' ? 'unknown' : 'end_turn'
    case 'length':
      return 'max_tokens'
    case 'content-filter':
      return 'refusal'
    case 'tool-calls':
      return 'tool_use'
    case 'other':
    case 'unknown':
      return callsTools ? 'tool_use' : 'unknown'
    case 'error':
    case 'interrupted':
      return 'unknown'
    default:
      unified satisfies never
      return 'unknown'
  }
}
