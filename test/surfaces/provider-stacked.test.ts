import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type LlmProvider, RefreshingProvider, type StreamDelta } from '../../src/surfaces/provider/index.ts'
import { done, drain, rejected, Remote, request, ScriptedStream, text, usage } from '../support/scripted.ts'

/** What one attempt of the innermost provider reports before it is rejected, or before and after its content. */
interface Attempted {
  readonly totals: readonly number[]
  readonly end: 'rejected' | 'thrown' | 'answered'
}

const attempted: fc.Arbitrary<Attempted> = fc.record({
  // A running total rises.
  totals: fc.array(fc.nat(1_000), { maxLength: 3 }).map((totals) => totals.toSorted((a, b) => a - b)),
  end: fc.constantFrom('rejected', 'rejected', 'thrown', 'answered'),
})

function streamOf({ totals, end }: Attempted): ScriptedStream {
  const reports = totals.map((total): StreamDelta => ({ type: 'usage', usage: usage(total, total) }))
  if (end === 'answered') {
    const half = Math.ceil(reports.length / 2)
    return new ScriptedStream(...reports.slice(0, half), text('a'), ...reports.slice(half), done)
  }
  const thrown = (): Promise<never> => Promise.reject(Object.assign(new Error('expired'), { status: 401 }))
  return new ScriptedStream(...reports, end === 'thrown' ? thrown : rejected())
}

/** A wrapper around a wrapper around …, each with a refresh of its own that makes what is beneath it anew. */
function stacked(depth: number, innermost: () => LlmProvider): LlmProvider {
  if (depth === 0) return innermost()
  const beneath = (): LlmProvider => stacked(depth - 1, innermost)
  return new RefreshingProvider(beneath(), async () => beneath())
}

test.each([1, 2, 3])(
  '[P9] given %d wrappers, one on another, when attempts are abandoned at any of them, then each attempt counts once',
  async (depth) => {
    const most = 2 ** depth
    const plans = fc.array(attempted, { minLength: most, maxLength: most })
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const remote = new Remote({
          stream: () => streamOf(plan[remote.attempts.length - 1] ?? { totals: [], end: 'answered' }),
        })
        const provider = stacked(depth, () => remote.provider('any'))
        const deltas: StreamDelta[] = []
        const reading = async (): Promise<void> => {
          for await (const delta of provider.chatStream(request)) deltas.push(delta)
        }
        await reading().catch(() => undefined)

        const answered = plan.findIndex(({ end }) => end === 'answered')
        const attempts = answered < 0 ? most : answered + 1
        expect(remote.attempts).toHaveLength(attempts)
        const made = plan.slice(0, attempts)
        const spent = made.reduce((sum, { totals }) => sum + (totals.at(-1) ?? 0), 0)
        const told = deltas.findLast((delta) => delta.type === 'usage')
        const isTold = made.some(({ totals }) => totals.length > 0)
        expect(told).toEqual(isTold ? { type: 'usage', usage: usage(spent, spent) } : undefined)
        // What the consumer hears is a running total all the way.
        const totals = deltas.flatMap((delta) => (delta.type === 'usage' ? [delta.usage.inputTokens] : []))
        expect(totals).toEqual(totals.toSorted((a, b) => a - b))
      }),
      { numRuns: 200 },
    )
  },
)

test('[P7, P5] given three wrappers, when every attempt is rejected, then the consumer gets the last rejection, once', async () => {
  const remote = new Remote({ stream: () => new ScriptedStream(rejected()) })
  const provider = stacked(3, () => remote.provider('any'))
  expect(await drain(provider.chatStream(request))).toEqual([rejected()])
  expect(remote.attempts).toHaveLength(8)
})
