import { RefreshingProvider, type LlmProvider } from 'llm-refresh/provider'
import { elapsed, type Finding, inTurn } from './rounds.ts'
import { BenchProvider, request } from './subjects.ts'

const CALLS = 20_000

/** The time that the wrapper adds to a call that is not rejected. */
export async function unary(): Promise<Finding[]> {
  const bare = new BenchProvider()
  const wrapped = new RefreshingProvider(bare, async () => bare)
  const { one, other } = await inTurn(61, call(bare), call(wrapped))
  return [
    {
      question: 'A chat through RefreshingProvider',
      figure: (other - one) / CALLS / 1_000,
      unit: 'µs more',
      ceiling: 0.3,
      note: `than the provider's own: ${(other / CALLS).toFixed(0)} ns and ${(one / CALLS).toFixed(0)} ns`,
    },
  ]
}

function call(provider: LlmProvider): () => Promise<number> {
  return () =>
    elapsed(async () => {
      for (let n = 0; n < CALLS; n++) await provider.chat(request)
    })
}
