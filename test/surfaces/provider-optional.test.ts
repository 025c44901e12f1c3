import { expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../src/index.ts'
import {
  type CallOptions,
  type EmbedOutcome,
  type EmbedRequest,
  type LlmProvider,
  type ModelInfo,
  RefreshingProvider,
} from '../../src/surfaces/provider/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { failing, listener, Remote } from '../support/scripted.ts'

const request: EmbedRequest = Object.freeze({ input: ['Hello'], dimensions: 2 })
const embedded: EmbedOutcome = {
  type: 'success',
  response: { embeddings: [[1, 2]], model: 'scripted-1', usage: { inputTokens: 1 } },
}
const rejection = (): EmbedOutcome => ({ type: 'invalid_request', message: 'HTTP 401', status: 401 })
const unauthorized = (): Error => Object.assign(new Error('expired'), { status: 401 })
const models: ModelInfo[] = [{ id: 'scripted-1' }]

type Optional = Required<Pick<LlmProvider, 'embed' | 'listModels' | 'probe'>>

/** One call of one of the three: by which token, and with what. */
interface Called {
  readonly token: string
  readonly given: readonly unknown[]
}

/** A remote side whose providers have the three, and what was called. */
class Vendor {
  readonly calls: Called[] = []
  readonly #answers: (token: string) => Partial<Optional>
  readonly #remote = new Remote({})
  refreshes = 0

  constructor(answers: (token: string) => Partial<Optional>) {
    this.#answers = answers
  }

  get tokens(): string[] {
    return this.calls.map(({ token }) => token)
  }

  provider(token: string): LlmProvider {
    const note = (...given: unknown[]): void => void this.calls.push({ token, given })
    const { embed, listModels, probe } = this.#answers(token)
    return Object.assign(this.#remote.provider(token), {
      ...(embed && {
        embed: (asked: EmbedRequest, options?: CallOptions) => {
          note(asked, options)
          return embed(asked, options)
        },
      }),
      ...(listModels && {
        listModels: (options?: CallOptions) => {
          note(options)
          return listModels(options)
        },
      }),
      ...(probe && {
        probe: (options?: CallOptions) => {
          note(options)
          return probe(options)
        },
      }),
    })
  }

  readonly refresh = async (): Promise<LlmProvider> => this.provider(`new ${++this.refreshes}`)
}

/** KeyedMutex the first token away from all three. */
const expiring = (reject: () => Promise<EmbedOutcome> = async () => rejection()): Vendor =>
  new Vendor((token) => ({
    embed: async () => (token === 'old' ? reject() : embedded),
    listModels: async () => {
      if (token === 'old') throw unauthorized()
      return models
    },
    probe: async () => {
      if (token === 'old') throw unauthorized()
    },
  }))

test.each([
  ['an outcome', async () => rejection()],
  ['an error', () => Promise.reject(unauthorized())],
])(
  '[P2, P3, P12] given a stale token, when embed is rejected by %s, then it is made once more with the very same request',
  async (_, reject) => {
    const vendor = expiring(reject)
    const provider = new RefreshingProvider(vendor.provider('old'), vendor.refresh)
    const options = { signal: new AbortController().signal }
    expect(await provider.embed?.(request, options)).toBe(embedded)
    expect(vendor.tokens).toEqual(['old', 'new 1'])
    for (const { given } of vendor.calls) {
      expect(given[0]).toBe(request)
      expect(given[1]).toBe(options)
    }
    expect(vendor.refreshes).toBe(1)
  },
)

test('[P3] given a stale token, when listModels throws a rejection, then it is made once more; any other error is handed on', async () => {
  const vendor = expiring()
  const provider = new RefreshingProvider(vendor.provider('old'), vendor.refresh)
  expect(await provider.listModels?.()).toBe(models)
  expect(vendor.tokens).toEqual(['old', 'new 1'])

  const error = new TypeError('fetch failed')
  const broken = new Vendor(() => ({ listModels: () => Promise.reject(error) }))
  const other = new RefreshingProvider(broken.provider('old'), broken.refresh)
  await expect(other.listModels?.()).rejects.toBe(error)
  expect([broken.tokens, broken.refreshes]).toEqual([['old'], 0])
})

test('[P7, P4] given a second rejection, or a refresh that fails, when embed ends, then the caller gets the very outcome', async () => {
  const outcomes: EmbedOutcome[] = []
  const vendor = new Vendor(() => ({
    embed: async () => {
      const outcome = rejection()
      outcomes.push(outcome)
      return outcome
    },
  }))
  const provider = new RefreshingProvider(vendor.provider('old'), vendor.refresh)
  expect(await provider.embed?.(request)).toBe(outcomes[1])
  expect([vendor.tokens, vendor.refreshes]).toEqual([['old', 'new 1'], 1])

  const { types, onEvent } = listener()
  const failure = failing(new Error('down'))
  const stuck = new RefreshingProvider(vendor.provider('old'), failure.refresh, { onEvent })
  expect(await stuck.embed?.(request)).toBe(outcomes[2])
  expect(types()).toEqual(['rejected', 'refresh_started', 'refresh_failed', 'not_retried'])
})

test('[P12] given a caller that aborts, when embed or listModels is rejected, then nothing is retried', async () => {
  const leaving = new AbortController()
  const vendor = new Vendor(() => ({
    embed: async () => {
      leaving.abort()
      return rejection()
    },
    listModels: () => Promise.reject(unauthorized()),
  }))
  const provider = new RefreshingProvider(vendor.provider('old'), vendor.refresh)
  expect(await provider.embed?.(request, leaving)).toEqual(rejection())
  await expect(provider.listModels?.(leaving)).rejects.toBe(leaving.signal.reason)
  expect([vendor.tokens, vendor.refreshes]).toEqual([['old'], 0])
})

test('[P14] given a stale token, when probe is called, then its error is handed on and nothing is refreshed', async () => {
  const vendor = expiring()
  const { heard, onEvent } = listener()
  const provider = new RefreshingProvider(vendor.provider('old'), vendor.refresh, { onEvent })
  await expect(provider.probe?.()).rejects.toMatchObject({ status: 401 })
  expect([vendor.tokens, vendor.refreshes, heard]).toEqual([['old'], 0, []])

  await provider.embed?.(request)
  await provider.probe?.()
  expect(vendor.tokens.at(-1)).toBe('new 1')
})

test('[P14] given a token that has expired, when probe is called, then no refresh begins and the newest provider that was used is asked', async () => {
  const clock = new ManualClock()
  let refreshes = 0
  const token = new Refreshable<{ text: string; expiresAt: number }>({
    clock,
    initial: { text: 'old', expiresAt: clock.now() + 60_000 },
    expiresAt: ({ expiresAt }) => expiresAt,
    refresh: async () => {
      refreshes++
      return { text: 'new', expiresAt: clock.now() + 60_000 }
    },
  })
  const vendor = new Vendor(() => ({ probe: async () => undefined }))
  const provider = await RefreshingProvider.from(token.map(({ text }) => vendor.provider(text)))
  clock.jump(120_000)
  await provider.probe?.()
  token.clear()
  await provider.probe?.()
  expect([refreshes, vendor.tokens]).toEqual([0, ['old', 'old']])
})

test('[P14] given a value that another caller has refreshed, when probe is called, then the provider of that value is asked', async () => {
  const token = new Refreshable({ initial: 'old', refresh: async () => 'new' })
  const vendor = new Vendor(() => ({ probe: async () => undefined }))
  const provider = await RefreshingProvider.from(token.map((text) => vendor.provider(text)))
  await token.refresh({ generation: 1 })
  await provider.probe?.()
  expect(vendor.tokens).toEqual(['new'])
})

test('[P10, P14] given a provider that lacks one of the three, when it is wrapped, then the wrapper lacks it, too', () => {
  const vendor = new Vendor(() => ({ embed: async () => embedded }))
  const inner = new RefreshingProvider(vendor.provider('old'), vendor.refresh)
  const outer = new RefreshingProvider(inner, async () => inner)
  for (const provider of [inner, outer]) {
    expect(provider.embed).toBeTypeOf('function')
    expect(['listModels' in provider, 'probe' in provider]).toEqual([false, false])
  }
})

test('[P11, P14] given wrappers over one refresher, when all three kinds of calls are rejected at once, then one refresh serves them', async () => {
  const token = new Refreshable({ initial: 'old', refresh: async () => 'new' })
  const vendor = expiring()
  const shared = token.map((text) => vendor.provider(text))
  const [one, other] = await Promise.all([RefreshingProvider.from(shared), RefreshingProvider.from(shared)])
  expect(await Promise.all([one.embed?.(request), other.listModels?.(), other.embed?.(request)])).toEqual([
    embedded,
    models,
    embedded,
  ])
  expect(token.peek()?.generation).toBe(2)
})

test('[P14] given a refreshed provider that lacks what the first one had, when that is called, then the error names it', async () => {
  const vendor = new Vendor((token) => (token === 'old' ? { embed: async () => rejection() } : {}))
  const provider = new RefreshingProvider(vendor.provider('old'), vendor.refresh)
  const error = await provider.embed?.(request).then(undefined, (reason: unknown) => reason)
  expect(error).toBeInstanceOf(RefreshError)
  expect(error).toMatchObject({ code: 'invalid_provider', message: expect.stringContaining('lacks embed') })
})

test('[P14] given a member that is no method, when the provider is wrapped, then it is refused and named', () => {
  const odd = Object.assign(new Remote({}).provider('old'), { probe: true, embed: undefined })
  const wrap = (): unknown => new RefreshingProvider(odd, async () => odd)
  expect(wrap).toThrow(/wrapped provider has probe, but not as a method/)
})
