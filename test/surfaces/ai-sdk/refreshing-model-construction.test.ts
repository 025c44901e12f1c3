import { describe, expect, test } from 'vitest'
import { Refreshable, RefreshError, type RefreshEvent } from '../../../src/index.ts'
import {
  type AiSdkLanguageModel,
  languageModelProvider,
  refreshingModel,
} from '../../../src/surfaces/ai-sdk/index.ts'
import { apiError, CALL, expiring, Remote } from './refreshing-remote.ts'

const remote = new Remote(() => {
  throw apiError(401)
})
const good = remote.model('good')
const build = async (): Promise<AiSdkLanguageModel> => good
const CANARY = 'canary-7f3a91'

/** The error of a construction that its types forbid. */
function refused(...given: readonly unknown[]): RefreshError {
  try {
    Reflect.apply(refreshingModel, undefined, given)
  } catch (error) {
    if (error instanceof RefreshError) return error
  }
  throw new Error('it was not refused')
}

const NO_MODELS: readonly (readonly [string, unknown, RegExp])[] = [
  ['undefined', undefined, /it is of type undefined/],
  ['null', null, /it is null/],
  ["a model's id", 'openai/gpt-5', /it is a string.*createOpenAI/],
  ['a secret', CANARY, /it is a string/],
  ['a number', 5, /it is of type number/],
  ['a model of the first version', { ...good, specificationVersion: 'v1' }, /'v1', not 'v2', 'v3' or 'v4'/],
  [
    'a model of no version',
    { ...good, specificationVersion: undefined },
    /specificationVersion is undefined/,
  ],
  ['a model without a provider', { ...good, provider: undefined }, /provider missing/],
  ['a model that does nothing', { specificationVersion: 'v4', provider: 'a', modelId: 'b' }, /no method.*do/],
  ['a domestic model', { specificationVersion: 'v4', provider: 'a', domestic: () => 1 }, /no method.*do/],
  ['a provider', Object.assign(() => good, { specificationVersion: 'v4' }), /provider missing/],
]

test.each(NO_MODELS)(
  'given %s, when it is wrapped, then the error says that it is no model, and what is missing',
  async (_, model, words) => {
    const error = refused(model, build)
    expect(error.code).toBe('invalid_provider')
    expect(error.message).toMatch(words)
    expect(error.message).not.toContain(CANARY)
    if (model === undefined || model === null) return
    const cell = new Refreshable({ initial: model as AiSdkLanguageModel, refresh: build })
    await expect(refreshingModel(cell)).rejects.toMatchObject({ code: 'invalid_provider' })
  },
)

test.each([
  ['no refresh', [good], /'refresh' must be a function .* or a refresher/],
  ['a refresher that is none', [good, { refresh: build }], /'refresh' must be a function .* or a refresher/],
  ['an unknown option', [good, build, { retries: 2 }], /'retries' does not exist; there are/],
  ['no object', [good, build, 'fast'], /object/],
  ['a listener that is none', [good, build, { onEvent: true }], /onEvent/],
  ['a deadline that is none', [good, build, { deadline: -1 }], /deadline/],
  ['an initial value beside the model', [good, build, { initial: good }], /'initial' does not exist/],
  ['a rule that is none', [good, build, { rules: { teapot: true } }], /teapot/],
  [
    'an option of a cell beside one',
    [good, new Refreshable({ initial: good, refresh: build }), { deadline: 5 }],
    /'deadline' does not exist; there are onEvent, rules/,
  ],
])('given %s, when a model is wrapped, then the error names the option', (_, given, words) => {
  const error = refused(...given)
  expect(error.code).toBe('invalid_option')
  expect(error.message).toMatch(words)
})

test('given a refresher, when a model has an unknown option or a second refresher, then it is refused', async () => {
  const cell = new Refreshable({ initial: good, refresh: build })
  for (const given of [
    [cell, { deadline: 5 }],
    [cell, build],
    [cell, cell],
  ]) {
    await expect(Reflect.apply(refreshingModel, undefined, given)).rejects.toMatchObject({
      code: 'invalid_option',
    })
  }
})

test('[M1] given a refresher, when a model is made over it, then it waits for the first model, or fails as that failed', async () => {
  const cell = new Refreshable<AiSdkLanguageModel>({ refresh: build })
  expect((await refreshingModel(cell)).provider).toBe('remote.chat')
  const terminal = new RefreshError('reauthentication_required', 'Log in.')
  const broken = new Refreshable<AiSdkLanguageModel>({ refresh: () => Promise.reject(terminal) })
  await expect(refreshingModel(broken)).rejects.toBe(terminal)
})

describe('a refresh that brings something else', () => {
  const { doStream: _, ...halfModel } = good
  const WRONG = [
    ...NO_MODELS.filter(([name]) => name !== 'undefined' && name !== 'null'),
    ['a model of another version', remote.model('fresh', 'v3'), /'v3', and that of the first was 'v4'/],
    ['a model that cannot stream', halfModel, /doStream missing/],
  ] as const

  test.each(WRONG)(
    '[P4] given %s, when a call is rejected, then the cell does not adopt it, and the caller gets its rejection',
    async (name, fresh) => {
      const events: RefreshEvent[] = []
      const inner = { ...good, optional: 1 }
      const model = refreshingModel<AiSdkLanguageModel>(inner, async () => fresh as AiSdkLanguageModel, {
        onEvent: (event) => events.push(event),
      })
      await expect(model.doGenerate(CALL), name).rejects.toMatchObject({ statusCode: 401 })
      expect(events.map(({ type }) => type)).toEqual([
        'rejected',
        'refresh_started',
        'refresh_failed',
        'not_retried',
      ])
      expect(events.at(-1)).toMatchObject({ error: { code: 'invalid_provider' } })
    },
  )

  test.each(WRONG)(
    'given %s from a shared refresher, when a call is made, then its error says what is wrong',
    async (_name, fresh) => {
      const cell = new Refreshable({ initial: good, refresh: async () => fresh as AiSdkLanguageModel })
      const model = await refreshingModel(cell)
      const wrong = {
        code: 'invalid_provider',
        message: expect.stringMatching(/^This is no AI SDK model: ./),
      }
      await expect(model.doGenerate(CALL)).rejects.toMatchObject(wrong)
      await expect(model.doStream(CALL)).rejects.toMatchObject(wrong)
    },
  )

  test('[Z1] given a wrong value with a secret, when it is refused, then no message shows the secret', async () => {
    const cell = new Refreshable<unknown>({ initial: good, refresh: async () => CANARY })
    const model = await refreshingModel(cell as Refreshable<AiSdkLanguageModel>)
    await expect(model.doGenerate(CALL)).rejects.toThrow(/^(?!.*canary).*string/)
  })
})

test('given a refresh that brings a model of another vendor, or one with more methods, when a call is made, then that model serves it', async () => {
  const other = { ...new Remote(() => 'other').model('fresh'), provider: 'other', doMore: () => 1 }
  const model = refreshingModel<AiSdkLanguageModel>(good, async () => other)
  expect(await model.doGenerate(CALL)).toBe('other')
  expect(model.provider).toBe('remote.chat')
})

test('[M1] given a model whose provider has an empty name, when it is wrapped or refreshed, then it works as it is', async () => {
  const nameless = (token: string): AiSdkLanguageModel => ({
    ...answering.model(token),
    provider: '',
    modelId: '',
  })
  const answering = expiring(
    () => Promise.reject(apiError(401)),
    () => 'answer',
  )
  const model = refreshingModel(nameless('stale'), async () => nameless('fresh'))
  expect([model.provider, model.modelId]).toEqual(['', ''])
  expect(await model.doGenerate(CALL)).toBe('answer')
  expect(languageModelProvider(nameless('fresh')).provider).toBe('')
})
