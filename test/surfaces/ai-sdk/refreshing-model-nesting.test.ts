import { expect, test } from 'vitest'
import {
  type AiSdkLanguageModel,
  type AiSdkPart,
  languageModelProvider,
  refreshingModel,
} from '../../../src/surfaces/ai-sdk/index.ts'
import { collect } from './deltas.ts'
import { FINISH } from './fake-model.ts'
import { modelNamed } from './models.ts'
import {
  apiError,
  CALL,
  END,
  expiring,
  PartStream,
  REJECTION,
  Remote,
  START,
  streamed,
  text,
} from './refreshing-remote.ts'

const FRESH = [START, text('Hello.'), END]

function answering(): Remote {
  return expiring(
    ({ method }) => {
      if (method === 'doStream') return new PartStream([START, REJECTION])
      throw apiError(401)
    },
    ({ method }) => (method === 'doStream' ? new PartStream(FRESH) : 'answer'),
  )
}

/** How `ai` takes a model of an older version: a Proxy that answers for some properties, and passes the rest on. */
function bridged(model: AiSdkLanguageModel): AiSdkLanguageModel {
  return new Proxy(model, {
    get(target, name) {
      if (name === 'specificationVersion') return 'v4'
      if (name === 'doStream') {
        return async (options: typeof CALL) => {
          const result = await target.doStream(options)
          const same = new TransformStream<AiSdkPart, AiSdkPart>()
          return { ...result, stream: result.stream.pipeThrough(same) }
        }
      }
      return Reflect.get(target, name) as unknown
    },
  })
}

/** How `wrapLanguageModel` wraps one: a plain object with closures. */
function middleware(model: AiSdkLanguageModel): AiSdkLanguageModel {
  return {
    specificationVersion: 'v4',
    provider: model.provider,
    modelId: model.modelId,
    get supportedUrls() {
      return {}
    },
    doGenerate: (options) => model.doGenerate(options),
    async doStream(options) {
      const { stream, ...rest } = await model.doStream(options)
      return { stream: stream.pipeThrough(new TransformStream<AiSdkPart, AiSdkPart>()), ...rest }
    },
  } as AiSdkLanguageModel
}

const WRAPPINGS: readonly (readonly [string, (model: AiSdkLanguageModel) => AiSdkLanguageModel])[] = [
  ["the Proxy of 'ai' for an older version", bridged],
  ['middleware', middleware],
  ['both', (model) => middleware(bridged(model))],
]

test.each(WRAPPINGS)(
  '[M1] given a refreshing model, when %s wraps it, then it works as before',
  async (_, wrap) => {
    const remote = answering()
    let refreshes = 0
    const model = wrap(
      refreshingModel(remote.model('stale', 'v2'), async () => {
        refreshes++
        return remote.model('fresh', 'v2')
      }),
    )
    expect(model).toMatchObject({ specificationVersion: 'v4', provider: 'remote.chat', modelId: 'remote-1' })
    expect(await streamed(model)).toEqual({ parts: FRESH })
    expect(await model.doGenerate(CALL)).toBe('answer')
    expect(refreshes).toBe(1)
  },
)

test.each(WRAPPINGS)(
  '[M1] given a model that %s wraps, when we wrap it, then it refreshes',
  async (_, wrap) => {
    const remote = answering()
    let refreshes = 0
    const model = refreshingModel(wrap(remote.model('stale', 'v2')), async () => {
      refreshes++
      return wrap(remote.model('fresh', 'v2'))
    })
    expect(model).toMatchObject({ specificationVersion: 'v4', provider: 'remote.chat', modelId: 'remote-1' })
    expect(await streamed(model)).toEqual({ parts: FRESH })
    expect(await model.doGenerate(CALL)).toBe('answer')
    expect(refreshes).toBe(1)
  },
)

test('[M1] given the Proxy of a real model of an older version, when we wrap it, then it has its members', async () => {
  const build = (): AiSdkLanguageModel => bridged(modelNamed('openai chat v2').create({}))
  const model = refreshingModel(build(), async () => build())
  expect(model).toMatchObject({ specificationVersion: 'v4', provider: 'openai.chat', modelId: 'gpt-5' })
  expect('doStream' in model && 'supportedUrls' in model).toBe(true)
})

test('[M1] given a refreshing model in another, when a call is rejected, then the inner one refreshes first, and the outer one if that did not help', async () => {
  const remote = answering()
  const refreshed: string[] = []
  const inner = (token: string): AiSdkLanguageModel =>
    refreshingModel(remote.model(token), async () => {
      refreshed.push('inner')
      return remote.model(token === 'stale' ? 'stale' : 'fresh')
    })
  const model = refreshingModel(inner('stale'), async () => {
    refreshed.push('outer')
    return inner('fresh')
  })
  expect(await streamed(model)).toEqual({ parts: FRESH })
  expect(refreshed).toEqual(['inner', 'outer'])
  expect(remote.tokens).toEqual(['stale', 'stale', 'fresh'])
  expect(Object.keys(model)).toEqual(Object.keys(remote.model('any')))
})

test('[M1, P13] given a refreshing model in another, when a stream is read, then nothing is read ahead', async () => {
  const stream = new PartStream([START, text('a'), text('b'), END])
  const remote = new Remote(() => stream)
  const build = async (): Promise<AiSdkLanguageModel> => remote.model('good')
  const model = refreshingModel(refreshingModel(remote.model('good'), build), build)
  const reader = (await model.doStream(CALL)).stream.getReader()
  expect(stream.pulls).toBe(0)
  for (let part = 0; part < 3; part++) await reader.read()
  expect(stream.pulls).toBe(3)
  await reader.cancel('enough')
  expect(stream.cancels).toEqual(['enough'])
})

test('[M1] given a provider over a refreshing model, when a stream is rejected, then the provider sees only the second attempt', async () => {
  const remote = expiring(
    () => new PartStream([START, REJECTION]),
    () => new PartStream([START, text('Hello.'), FINISH]),
  )
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
  const request = { system: '', messages: [{ role: 'user' as const, content: 'Hello' }] }
  const deltas = await collect(languageModelProvider(model).chatStream(request))
  expect(deltas.map(({ type }) => type)).toEqual(['text_delta', 'usage', 'done'])
})
