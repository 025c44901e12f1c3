import { Refreshable, type RefreshEvent } from '../../src/index.ts'
import {
  type AiSdkEmbeddingModel,
  type AiSdkLanguageModel,
  type AiSdkModel,
  languageModelProvider,
  refreshingModel,
  refreshingModels,
} from '../../src/surfaces/ai-sdk/index.ts'
import {
  BaseProvider,
  type ChatRequest,
  collectStream,
  type EmbedRequest,
  RefreshingProvider,
  type StreamDelta,
} from '../../src/surfaces/provider/index.ts'
import { fakeModel, type FakeModelOptions } from '../surfaces/ai-sdk/fake-model.ts'
import { type Situation, situations } from './situation.ts'

const HELLO: ChatRequest = { system: '', messages: [{ role: 'user', content: 'Hello' }] }
const cell = new Refreshable({ initial: { accessToken: 'a' }, refresh: async () => ({ accessToken: 'b' }) })

const asking = (request: object, model: FakeModelOptions = {}, options: object = {}): unknown =>
  languageModelProvider(fakeModel(model), { onWarning: () => undefined, ...options }).chat({
    ...HELLO,
    ...request,
  })
const saying = (role: string, ...content: object[]): unknown => asking({ messages: [{ role, content }] })
async function streaming(...parts: object[]): Promise<void> {
  const model = fakeModel({ parts: parts as never })
  for await (const _ of languageModelProvider(model).chatStream(HELLO)) continue
}
const configured = (options: object): unknown => languageModelProvider(fakeModel(), options)

const embedder: AiSdkEmbeddingModel = {
  specificationVersion: 'v4',
  provider: 'nobody.embedding',
  modelId: 'an-embedder',
  maxEmbeddingsPerCall: 2,
  doEmbed: async () => ({ embeddings: [] }),
}
const embedding = (request: object): unknown =>
  languageModelProvider(fakeModel(), { embeddingModel: embedder }).embed?.(request as EmbedRequest)

async function collecting(...deltas: object[]): Promise<unknown> {
  async function* stream(): AsyncGenerator<StreamDelta> {
    yield* deltas as StreamDelta[]
  }
  return collectStream(stream(), { model: 'a-model' })
}
const started = { type: 'block', blockIndex: 0, block: { type: 'text', text: '' } }

class Echo extends BaseProvider {
  readonly provider = 'echo'
  readonly model = 'echo-1'
  chat = (): Promise<never> => Promise.reject(new Error('x'))
}
/** A provider, and what a refresher has in its place by now. */
const echoing = (fresh: object): RefreshingProvider =>
  new RefreshingProvider(new Echo(), new Refreshable({ initial: fresh, refresh: async () => fresh }) as never)
const model = (given: unknown): unknown =>
  refreshingModel(given as AiSdkModel, async () => given as AiSdkModel)

/** A rejection, and then another model in place of the first: an event tells what is wrong with it. */
async function replacedBy(fresh: object, call: object = {}): Promise<never> {
  const heard: RefreshEvent[] = []
  const rejected = Object.assign(new Error('401'), { statusCode: 401 })
  const first = {
    ...fakeModel(),
    doGenerate: async ({ audio }: { audio?: ReadableStream }): Promise<never> => {
      audio?.getReader()
      throw rejected
    },
  }
  const wrapped = refreshingModel(first as AiSdkLanguageModel, async () => fresh as never, {
    onEvent: (event) => heard.push(event),
  })
  await wrapped.doGenerate(call as never).then(undefined, () => undefined)
  throw heard.map((event) => Reflect.get(event, 'error') as unknown).find(Boolean)
}

/** Models, providers, requests and what they give. */
export const MODEL_SITUATIONS: readonly Situation[] = situations({
  '`languageModelProvider(null)`': () => languageModelProvider(null as never),
  "`languageModelProvider('gpt-5')`": () => languageModelProvider('gpt-5' as never),
  '`languageModelProvider(1)`': () => languageModelProvider(1 as never),
  '`languageModelProvider({})`': () => languageModelProvider({} as never),
  'a model of another specification': () =>
    languageModelProvider({ specificationVersion: 'v9', provider: 'a', modelId: 'b' } as never),
  'a model without methods': () =>
    languageModelProvider({ specificationVersion: 'v4', provider: 'a', modelId: 'b' } as never),
  'a model of no kind is to be refreshed': () => model({ specificationVersion: 'v4', provider: 'a' }),
  'a refreshed model is of another version': () => replacedBy(fakeModel({ version: 'v3' })),
  'a model has begun to read a stream of audio when it is rejected': () =>
    replacedBy(fakeModel(), { audio: new ReadableStream() }),
  '`refreshingModel(model)` without a refresh': () => refreshingModel(fakeModel(), undefined as never),
  '`refreshingModels(credential, 1)`': () => refreshingModels(cell, 1 as never),
  'a builder of models throws': () =>
    refreshingModels(cell, () => {
      throw new Error('x')
    }),
  'a builder of models gives a promise': () => refreshingModels(cell, (async () => ({})) as never),
  'a builder of models gives data': () => refreshingModels(cell, () => ({ name: 'a' })),
  'a builder of models gives less than at first': () => {
    let number = 0
    const provider = refreshingModels(cell, () =>
      number++ === 0 ? { getModels: (): number => 1 } : ({} as never),
    )
    return provider.getModels()
  },
  'a builder of models gives no function any more': () => {
    let number = 0
    const provider = refreshingModels(cell, () => (number++ === 0 ? () => fakeModel() : ({} as never)))
    return provider().doGenerate({} as never)
  },

  '`languageModelProvider(model, { vendor: 1 })`': () => configured({ vendor: 1 }),
  '`languageModelProvider(model, { providerOptions: { openai: 1 } })`': () =>
    configured({ providerOptions: { openai: 1 } }),
  '`languageModelProvider(model, { thinking: 1 })`': () => configured({ thinking: 1 }),
  '`languageModelProvider(model, { embeddingProviderOptions })`': () =>
    configured({ embeddingProviderOptions: { openai: {} } }),
  'options are for another vendor': () =>
    asking({}, { provider: 'anthropic.messages' }, { providerOptions: { openai: {} } }),

  '`chat({ maxTokens: 0 })`': () => asking({ maxTokens: 0 }),
  '`chat({ thinking: { budgetTokens: 0 } })`': () =>
    asking({ thinking: { mode: 'enabled', budgetTokens: 0 } }),
  '`chat({ thinking: { budgetTokens: 9 }, maxTokens: 9 })`': () =>
    asking(
      { thinking: { mode: 'enabled', budgetTokens: 9 }, maxTokens: 9 },
      { provider: 'anthropic.messages' },
    ),
  "`chat({ thinking: { mode: 'x' } })`": () => asking({ thinking: { mode: 'x' } }),
  '`chat({ toolChoice })` of a tool that is not there': () =>
    asking({ toolChoice: { type: 'tool', name: 'weather' } }),
  "`chat({ messages: [{ role: 'x' }] })`": () => saying('x'),
  'a message holds a block of an unknown type': () => saying('user', { type: 'x' }),
  'a message of the user holds a call of a tool': () =>
    saying('user', { type: 'tool_use', id: 'a', name: 'b', input: {} }),
  'a result belongs to no call': () => saying('user', { type: 'tool_result', toolUseId: 'a', content: 'b' }),
  '`embed({ input: [] })`': () => embedding({ input: [] }),
  "`embed({ input: ['a'], dimensions: 0 })`": () => embedding({ input: ['a'], dimensions: 0 }),
  '`embed()` of more texts than the model takes': () => embedding({ input: ['a', 'b', 'c'] }),
  'an embedding model gives no vectors': () => embedding({ input: ['a'] }),

  'a model responds without content': () => asking({}, { answer: { content: undefined } }),
  'a model responds with a text that is none': () => asking({}, { answer: { content: [{ type: 'text' }] } }),
  'a model streams a part without a type': () => streaming({ type: undefined }),
  'a model streams a text that is none': () =>
    streaming({ type: 'text-start', id: '1' }, { type: 'text-delta', id: '1' }),
  'a stream begins a block twice': () => collecting(started, started),
  'a stream has a block of an odd number': () => collecting({ ...started, blockIndex: -1 }),
  'a stream’s block changes its type': () =>
    collecting(
      { type: 'text_delta', blockIndex: 0, delta: 'a' },
      { type: 'thinking_delta', blockIndex: 0, delta: 'b' },
    ),
  'a stream has the input of a tool without its call': () =>
    collecting({ type: 'tool_input_delta', blockIndex: 0, id: 'a', delta: '{' }),
  'a stream has metadata without their block': () => collecting({ type: 'block_metadata', blockIndex: 0 }),

  'a refreshed provider lacks its methods': () => echoing({}).chat(HELLO),
  'a refreshed provider has a probe that is none': () =>
    echoing(Object.assign(new Echo(), { probe: 1 })).chat(HELLO),
  'a provider lacks its methods': () => new RefreshingProvider({} as never, async () => new Echo()),
  'a provider has a probe that is none': () =>
    new RefreshingProvider(Object.assign(new Echo(), { probe: 1 }) as never, async () => new Echo()),
})
