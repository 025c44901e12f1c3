import { RefreshingProvider, type LlmProvider } from 'llm-refresh/provider'
import { elapsed, type Finding, inTurn } from './rounds.ts'
import { BenchProvider, request } from './subjects.ts'

const DELTAS = 20_000

/** The cost of one delta through the wrapper, compared with the provider's own iterator. */
export async function stream(): Promise<Finding[]> {
  const bare = new BenchProvider(DELTAS)
  const wrapped = new RefreshingProvider(bare, async () => bare)
  const { one, other, ratio } = await inTurn(61, read(bare), read(wrapped))
  return [
    {
      question: 'A delta of a stream through RefreshingProvider',
      figure: ratio,
      unit: '×',
      ceiling: 1.35,
      note: `against the provider's own iterator: ${(other / DELTAS).toFixed(0)} ns and ${(one / DELTAS).toFixed(0)} ns`,
    },
  ]
}

function read(provider: LlmProvider): () => Promise<number> {
  return () =>
    elapsed(async () => {
      let texts = 0
      for await (const delta of provider.chatStream(request)) if (delta.type === 'text_delta') texts++
      if (texts !== DELTAS) throw new Error(`read ${texts} of ${DELTAS} deltas`)
    })
}
