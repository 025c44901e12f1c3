import type { LanguageModelV2Usage, LanguageModelV3Usage, LanguageModelV4Usage } from '@ai-sdk/provider'
import type { Usage } from '../../../../llm/response.ts'
import { isRecord } from '../../record.ts'
import type { Metadata } from '../../signature.ts'

/** The usage that an AI SDK model reports: flat numbers in v2, nested objects since v3. */
export type SdkUsage = LanguageModelV2Usage | LanguageModelV3Usage | LanguageModelV4Usage

/** Converts usage. `inputTokens` counts the whole input, cached tokens included. */
export function toUsage(usage: SdkUsage, metadata: Metadata | undefined): Usage {
  return isNested(usage) ? nested(usage) : flat(usage, metadata)
}

/** True if the model counted any tokens. A stream that broke off has no counts. */
export function isCounted({ inputTokens, outputTokens }: SdkUsage): boolean {
  return [inputTokens, outputTokens]
    .flatMap((tokens) => (typeof tokens === 'object' ? Object.values(tokens ?? {}) : [tokens]))
    .some((count) => typeof count === 'number')
}

function nested({ inputTokens, outputTokens, raw }: LanguageModelV3Usage | LanguageModelV4Usage): Usage {
  const cachedInputTokens = inputTokens?.cacheRead ?? 0
  const cacheCreationInputTokens = inputTokens?.cacheWrite ?? 0
  return {
    inputTokens:
      inputTokens?.total ?? (inputTokens?.noCache ?? 0) + cachedInputTokens + cacheCreationInputTokens,
    outputTokens: outputTokens?.total ?? (outputTokens?.text ?? 0) + (outputTokens?.reasoning ?? 0),
    cachedInputTokens,
    cacheCreationInputTokens,
    ...reasoning(outputTokens?.reasoning),
    ...(isRecord(raw) && { raw }),
  }
}

function reasoning(count: unknown): Pick<Usage, 'reasoningTokens'> {
  return typeof count === 'number' ? { reasoningTokens: count } : {}
}

function flat(usage: LanguageModelV2Usage, metadata: Metadata | undefined): Usage {
  const input = usage.inputTokens ?? 0
  const output = usage.outputTokens ?? 0
  const thinking = usage.reasoningTokens ?? 0
  const cachedInputTokens = usage.cachedInputTokens ?? 0
  const written = metadata?.['anthropic']?.['cacheCreationInputTokens']
  const cacheCreationInputTokens = typeof written === 'number' ? written : 0
  // Anthropic's v2 model does not count cached tokens as input, so add them. Other models count them.
  const aside = metadata?.['anthropic'] === undefined ? 0 : cachedInputTokens + cacheCreationInputTokens
  // Google's v2 model does not count thoughts as output. Only the total shows this.
  const thoughts = usage.totalTokens === input + output + thinking ? thinking : 0
  return {
    inputTokens: input + aside,
    outputTokens: output + thoughts,
    cachedInputTokens,
    cacheCreationInputTokens,
    ...reasoning(usage.reasoningTokens),
  }
}

function isNested(usage: SdkUsage): usage is LanguageModelV3Usage | LanguageModelV4Usage {
  return typeof usage.inputTokens === 'object' && usage.inputTokens !== null
}
