import type { StreamDelta, Usage } from './response.ts'

/** What two attempts have cost together. */
export function addUsage(one: Usage, other: Usage): Usage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cachedInputTokens: one.cachedInputTokens + other.cachedInputTokens,
    cacheCreationInputTokens: one.cacheCreationInputTokens + other.cacheCreationInputTokens,
  }
}

/** A stream whose running totals start at what was spent before it. */
export async function* withSpent(
  stream: AsyncIterable<StreamDelta>,
  spent: Usage,
): AsyncGenerator<StreamDelta, void, undefined> {
  for await (const delta of stream) {
    yield delta.type === 'usage' ? { type: 'usage', usage: addUsage(spent, delta.usage) } : delta
  }
}
