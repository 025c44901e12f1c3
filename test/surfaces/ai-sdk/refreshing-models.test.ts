import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../../src/index.ts'
import { type AiSdkLanguageModel, refreshingModels } from '../../../src/surfaces/ai-sdk/index.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import { apiError, CALL, expiring, type Remote } from './refreshing-remote.ts'

const PLACEHOLDER = 'llm-refresh-placeholder'
const ANSWER = { content: [], finishReason: 'stop', usage: {} }
const remote = (): Remote =>
  expiring(
    () => {
      throw apiError(401)
    },
    ({ token }) => ({ ...ANSWER, usage: { token } }),
  )

/** A credential whose token is stale, or that has none yet. */
function credential(initial?: string): Refreshable<{ accessToken: string }> {
  return new Refreshable({
    ...(initial !== undefined && { initial: { accessToken: initial } }),
    refresh: async () => ({ accessToken: 'fresh' }),
  })
}

/** The token that a call of a model went out with. */
async function usedBy(model: AiSdkLanguageModel): Promise<unknown> {
  return Reflect.get((await model.doGenerate(CALL)).usage as object, 'token')
}

test('[M4, M5] given a builder, when the provider is made, then it is called at once with the placeholder, and later once for each token', async () => {
  const { model } = bound(remote())
  const built: string[] = []
  const provider = refreshingModels(credential('stale'), ({ accessToken }) => {
    built.push(accessToken)
    return { languageModel: () => model(accessToken) }
  })
  expect(built).toEqual([PLACEHOLDER])
  await Promise.all([usedBy(provider.languageModel()), usedBy(provider.languageModel())])
  await usedBy(provider.languageModel())
  expect(built).toEqual([PLACEHOLDER, 'stale', 'fresh'])
})

test('[M4] given an object of models and providers at any depth, when they are called, then all are refreshed', async () => {
  const { model, calls } = bound(remote())
  const models = refreshingModels(credential('stale'), ({ accessToken }) => ({
    fast: model(accessToken),
    teams: { research: { languageModel: () => model(accessToken), name: 'research' } },
    limits: { perMinute: 5 },
  }))
  expect(models.limits).toEqual({ perMinute: 5 })
  expect(models.teams.research.name).toBe('research')
  expect(models.teams).toBe(models.teams)
  expect(await usedBy(models.fast)).toBe('fresh')
  expect(await usedBy(models.teams.research.languageModel())).toBe('fresh')
  expect(calls.map(({ token }) => token)).toEqual(['stale', 'fresh', 'fresh'])
})

test('[M4] given a builder of a single model, when that is called, then it is refreshed', async () => {
  const { model } = bound(remote())
  expect(await usedBy(refreshingModels(credential('stale'), (token) => model(token.accessToken)))).toBe(
    'fresh',
  )
})

/** A provider as a class: private members, getters, and methods that call each other. */
class ClassProvider {
  readonly specificationVersion = 'v3'
  readonly #token: string
  readonly #remote: Remote
  readonly itself: this
  constructor(token: string, server: Remote) {
    this.#token = token
    this.#remote = server
    this.itself = this
  }
  get header(): string {
    return `Bearer ${this.#token}`
  }
  get lazily(): AiSdkLanguageModel {
    return this.languageModel()
  }
  languageModel(): AiSdkLanguageModel {
    return this.#remote.model(this.#token)
  }
  chat(): AiSdkLanguageModel {
    return this.languageModel()
  }
  region(name: string): {
    chat: () => AiSdkLanguageModel
    languageModel: () => AiSdkLanguageModel
    region: string
  } {
    return { chat: () => this.chat(), languageModel: () => this.chat(), region: name }
  }
  async later(): Promise<AiSdkLanguageModel> {
    return this.languageModel()
  }
  getModel(): AiSdkLanguageModel {
    return this.languageModel()
  }
  who(): string {
    return `the one of ${this.#token}`
  }
  toString(): string {
    return 'ClassProvider'
  }
}

describe('given a provider that is a class', () => {
  const made = (initial?: string) => {
    const server = remote()
    const provider = refreshingModels(
      credential(initial),
      (token) => new ClassProvider(token.accessToken, server),
    )
    return { provider, server }
  }

  test('[M4] its methods, getters and members that lead back to it are refreshed', async () => {
    for (const model of [
      ({ provider }) => provider.chat(),
      ({ provider }) => provider.lazily,
      ({ provider }) => provider.itself.itself.chat(),
      ({ provider }) => provider.region('eu').chat(),
    ] satisfies ((made: { provider: ClassProvider }) => AiSdkLanguageModel)[]) {
      expect(await usedBy(model(made('stale')))).toBe('fresh')
    }
    const { provider } = made('stale')
    expect(provider).toBeInstanceOf(ClassProvider)
    expect(String(provider)).toBe('ClassProvider')
    expect(provider.specificationVersion).toBe('v3')
    expect(provider.region('eu').region).toBe('eu')
    const { chat } = provider
    expect(await usedBy(chat())).toBe('fresh')
  })

  test('[M5] what it returns in a promise, and its functions named get…, wait for the token, and are refreshed like any other', async () => {
    for (const initial of ['stale', undefined]) {
      const { provider, server } = made(initial)
      expect(await usedBy(await provider.later())).toBe('fresh')
      expect(await usedBy(await Promise.resolve(provider.getModel()))).toBe('fresh')
      expect(server.tokens).not.toContain(PLACEHOLDER)
    }
  })

  test('[M5] data come from the current provider, once there is one', async () => {
    const { provider } = made('stale')
    expect(provider.who()).toBe('the one of stale')
    expect(provider.header).toBe('Bearer stale')
    await usedBy(provider.chat())
    expect(provider.who()).toBe('the one of fresh')
    expect(provider.header).toBe('Bearer fresh')
  })

  test('[Z1] printing it shows no token', async () => {
    const { provider } = made('stale')
    await usedBy(provider.chat())
    expect(inspect(provider, { depth: 5 })).not.toMatch(/stale|fresh/)
  })
})

test('[C4, M4] given callers that wait for the first token, when one leaves, then the others go on', async () => {
  const { model } = bound(remote())
  const source = responder<{ accessToken: string }>()
  const provider = refreshingModels(new Refreshable({ refresh: source.refresh }), (token) => ({
    languageModel: () => model(token.accessToken),
  }))
  const leaving = new AbortController()
  const left = provider.languageModel().doGenerate({ ...CALL, abortSignal: leaving.signal })
  const stays = usedBy(provider.languageModel())
  leaving.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  await settled()
  source.call(0).resolve({ accessToken: 'good' })
  expect(await stays).toBe('good')
})

test('[C16, M4] given a kind of model that is always rejected, when another is called, then that one is refreshed all the same', async () => {
  let current = 0
  const cell = new Refreshable({
    initial: { accessToken: '0' },
    refresh: async () => ({ accessToken: String(current) }),
  })
  const model = (
    provider: string,
    isGood: (token: string) => boolean,
    token: string,
  ): AiSdkLanguageModel => ({
    specificationVersion: 'v4',
    provider,
    modelId: 'm',
    doGenerate: async () => {
      if (!isGood(token)) throw apiError(401)
      return { ...ANSWER, usage: { token } }
    },
    doStream: () => Promise.reject(new Error('not called')),
  })
  const provider = refreshingModels(cell, ({ accessToken }) => ({
    good: model('vendor.chat', (token) => token === String(current), accessToken),
    never: model('vendor.image', () => false, accessToken),
  }))
  await usedBy(provider.good)
  for (let call = 0; call < 20; call++) {
    await expect(usedBy(provider.never)).rejects.toMatchObject({ statusCode: 401 })
  }
  current++
  expect(await usedBy(provider.good)).toBe('1')
})

describe('[M5] given a builder that cannot work, when refreshingModels() gets it, then it is refused at once:', () => {
  const CANARY = 'canary-7f3a91'
  const cell = credential(CANARY)
  const broken = new Error('This is no JWT.')
  test.each<[string, unknown[], string, RegExp]>([
    [
      'a builder that throws on the placeholder',
      [
        cell,
        () => {
          throw broken
        },
      ],
      'invalid_provider',
      /'llm-refresh-placeholder'.*await refreshingModel\(credential\.map/,
    ],
    [
      'an asynchronous builder',
      [cell, async () => ({ languageModel: () => 1 })],
      'invalid_provider',
      /promise.*await/,
    ],
    [
      'one that fails later',
      [cell, async () => Promise.reject(broken)],
      'invalid_provider',
      /promise.*await/,
    ],
    [
      'a builder of nothing',
      [cell, () => undefined],
      'invalid_provider',
      /gave undefined instead of a provider/,
    ],
    ['a builder of an id', [cell, () => 'gpt-5'], 'invalid_provider', /gave string instead of a provider/],
    ['a builder of data', [cell, () => ({ name: 'openai' })], 'invalid_provider', /gave object instead/],
    ['no builder', [cell], 'invalid_option', /'build' must be a function/],
    ['a provider', [cell, { languageModel: () => 1 }], 'invalid_option', /'build' must be a function/],
    [
      'no credential',
      ['token', () => ({ languageModel: () => 1 })],
      'invalid_option',
      /'refresher' must be one/,
    ],
    [
      'an unknown option',
      [cell, () => ({ languageModel: () => 1 }), { deadline: 5 }],
      'invalid_option',
      /'deadline'/,
    ],
  ])('%s', (_, given, code, words) => {
    let error: unknown
    try {
      Reflect.apply(refreshingModels, undefined, given)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(RefreshError)
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) })
    expect((error as RefreshError).message).not.toContain(CANARY)
    if (words.source.includes('placeholder')) expect((error as RefreshError).cause).toBe(broken)
  })
})

test('[M4] given a later provider that lacks a function or gives another kind of model, when it is called, then the error says so', async () => {
  const { model } = bound(remote())
  const build = ({ accessToken }: { accessToken: string }) =>
    accessToken === PLACEHOLDER
      ? { languageModel: () => model('stale'), image: () => model('stale') }
      : { languageModel: () => ({ ...model('fresh'), specificationVersion: 'v3' as const }) }
  const provider = refreshingModels(credential('stale'), build)
  await expect(provider.languageModel().doGenerate(CALL)).rejects.toThrow(
    /'v3', and that of the first was 'v4'/,
  )
  const image = 'image' in provider ? provider.image() : undefined
  await expect(image?.doGenerate(CALL)).rejects.toMatchObject({
    code: 'invalid_provider',
    message: expect.stringMatching(/lacks image, which the first one had/),
  })
})

test('[M4] given a function that refuses its input, when it is called, then it throws at once, as it would', () => {
  const provider = refreshingModels(credential('stale'), () => ({
    languageModel: (id: string): AiSdkLanguageModel => {
      throw new TypeError(`no model ${id}`)
    },
  }))
  expect(() => provider.languageModel('x')).toThrow(new TypeError('no model x'))
})

function bound(server: Remote): { model: (token: string) => AiSdkLanguageModel; calls: Remote['calls'] } {
  return { model: (token) => server.model(token), calls: server.calls }
}
