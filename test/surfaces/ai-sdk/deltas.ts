import { StreamAccumulator } from '../../../src/llm/stream-accumulator.ts'
import type { ContentBlock, StreamDelta } from '../../../src/surfaces/provider/index.ts'

/** What a stream hands out, but for what is told of the response besides its content. */
export async function collect<Item extends { type: unknown }>(items: AsyncIterable<Item>): Promise<Item[]> {
  return (await collectAll(items)).filter(({ type }) => type !== 'response')
}

/** Everything that a stream hands out. */
export async function collectAll<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** The content that a stream's deltas amount to. */
export function assembled(deltas: readonly StreamDelta[]): ContentBlock[] {
  const accumulator = new StreamAccumulator()
  for (const delta of deltas) accumulator.add(delta)
  return accumulator.content()
}
