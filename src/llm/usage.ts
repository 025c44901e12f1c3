import type { StreamDelta, Usage } from './response.ts'

/** The tokens of two attempts together. */
function addUsage(one: Usage, other: Usage): Usage {
  const sum = { ...other }
  for (const key of KEYS) sum[key] += one[key]
  const { reasoningTokens } = one
  if (reasoningTokens !== undefined) sum.reasoningTokens = reasoningTokens + (sum.reasoningTokens ?? 0)
  return sum
}

const KEYS = ['inputTokens', 'outputTokens', 'cachedInputTokens', 'cacheCreationInputTokens'] as const

export const NO_USAGE: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  cacheCreationInputTokens: 0,
}

/** Adds the tokens of an earlier attempt to a stream's usage. A consumer that leaves this stream also leaves the inner stream at once. */
export function withSpent(stream: AsyncIterable<StreamDelta>, spent: Usage): AsyncIterable<StreamDelta> {
  const inner = stream[Symbol.asyncIterator]()
  const next = async (): Promise<IteratorResult<StreamDelta>> => {
    const result = await inner.next()
    if (result.done === true || result.value.type !== 'usage') return result
    return { done: false, value: { type: 'usage', usage: addUsage(spent, result.value.usage) } }
  }
  const leave = async (): Promise<IteratorResult<StreamDelta>> =>
    (await inner.return?.()) ?? { done: true, value: undefined }
  return { [Symbol.asyncIterator]: () => ({ next, return: leave }) }
}
