import { expect, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { languageModelProvider, refreshingModel } from '../../src/surfaces/ai-sdk/index.ts'
import { RefreshingProvider } from '../../src/surfaces/provider/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { apiError, CALL, Remote } from './ai-sdk/refreshing-remote.ts'

const HELLO = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }

function shared(lifetime: number) {
  const clock = new ManualClock()
  let number = 1
  const cell = new Refreshable({
    initial: 'token-1',
    clock,
    refresh: async () => `token-${++number}`,
    expiresAt: () => clock.now() + lifetime,
  })
  const remote = new Remote(({ token }) => {
    if (token === 'token-1' && lifetime > 1e6) throw apiError(401)
    return {
      content: [],
      finishReason: 'stop',
      usage: { inputTokens: { total: 1 }, outputTokens: { total: 1 } },
      warnings: [],
    }
  })
  return { clock, remote, cell, flights: [] as Promise<void>[] }
}

test.each(['a model', 'a provider'])(
  '[C15] given %s over a shared refresher with `background`, when its call is rejected, then it gets the flight; when a refresh is due ahead, that one, too',
  async (surface) => {
    for (const lifetime of [1e9, 100_000]) {
      const { clock, remote, cell, flights } = shared(lifetime)
      const background = (flight: Promise<void>): void => void flights.push(flight)
      const onWarning = (): void => undefined
      const run =
        surface === 'a model'
          ? (): PromiseLike<unknown> =>
              refreshingModel(
                remote.model('token-1'),
                cell.map((token) => remote.model(token)),
                { background },
              ).doGenerate(CALL)
          : (): Promise<unknown> =>
              new RefreshingProvider(
                languageModelProvider(remote.model('token-1'), { onWarning }),
                cell.map((token) => languageModelProvider(remote.model(token), { onWarning })),
                { background },
              ).chat(HELLO)
      if (lifetime === 100_000) clock.jump(99_500)
      await run()
      expect(flights).toHaveLength(1)
      await Promise.all(flights)
    }
  },
)
