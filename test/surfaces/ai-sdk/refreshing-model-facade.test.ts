import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import { MODELS } from './models.ts'
import { apiError, CALL, END, PartStream, Remote, START, text } from './refreshing-remote.ts'

const STATE = Symbol('state')

/** What real models are made of: getters, private members, a base class, optional methods. */
abstract class Base {
  readonly specificationVersion = 'v4'
  readonly supportedUrls = { 'image/*': [/^https:/] }
  readonly #token: string
  protected readonly config: { provider: string }
  constructor(token: string) {
    this.#token = token
    this.config = { provider: 'private.chat' }
  }
  get provider(): string {
    return this.config.provider
  }
  /** Needs what is private, and this very object. */
  fingerprint(suffix: string): string {
    return this.#token.length + suffix
  }
  protected check(): string {
    if (this.#token === 'stale') throw apiError(401)
    return this.#token
  }
}

class PrivateModel extends Base {
  readonly modelId = 'private-1'
  readonly doNothing: string = 'no method'
  readonly doLater: (() => void) | undefined = undefined
  #calls = 0
  get calls(): number {
    return this.#calls
  }
  get [STATE](): string {
    return `called ${this.#calls} times`
  }
  override fingerprint(suffix: string): string {
    return `${super.fingerprint(suffix)}!`
  }
  async doGenerate(): Promise<{ content: []; finishReason: string; usage: string }> {
    this.#calls++
    return { content: [], finishReason: 'stop', usage: this.check() }
  }
  async doStream(): Promise<{ stream: ReadableStream<{ type: string }> }> {
    this.check()
    return new PartStream([START, text('a'), END])
  }
  async doRerank(documents: readonly string[]): Promise<string[]> {
    return documents.map((document) => document + this.check())
  }
  domesticate(): string {
    return `${this.modelId} is tame`
  }
  override toString(): string {
    return `PrivateModel of ${this.provider}`
  }
}

/** A wrapped model whose token has expired. */
function stale(): { inner: PrivateModel; model: PrivateModel } {
  const inner = new PrivateModel('stale')
  return { inner, model: refreshingModel(inner, async () => new PrivateModel('fresh')) }
}

test('[M1, M2] given any do-method, inherited and optional ones included, when it is rejected, then it is retried', async () => {
  const { model } = stale()
  expect(await model.doRerank(['a-', 'b-'])).toEqual(['a-fresh', 'b-fresh'])
  expect(await stale().model.doGenerate()).toMatchObject({ usage: 'fresh' })
  expect(await stale().model.doStream()).toMatchObject({ stream: expect.any(ReadableStream) })
})

test('given a do-method without its model, when it is called, then it works as well', async () => {
  const { doGenerate, fingerprint } = stale().model
  expect(await doGenerate()).toMatchObject({ usage: 'fresh' })
  expect(fingerprint('?')).toBe('5?!')
})

test('[P10] given a wrapped model, when any other member is read, then it comes from the first model: fields, getters, private members, inherited methods', async () => {
  const { inner, model } = stale()
  expect(model.provider).toBe('private.chat')
  expect(model.modelId).toBe('private-1')
  expect(model.specificationVersion).toBe('v4')
  expect(model.supportedUrls).toBe(inner.supportedUrls)
  expect(model.fingerprint('?')).toBe('5?!')
  expect(model.domesticate()).toBe('private-1 is tame')
  expect(model.doNothing).toBe('no method')
  expect(model.doLater).toBeUndefined()
  expect(String(model)).toBe('PrivateModel of private.chat')
  await model.doGenerate()
  expect(model.calls).toBe(1)
  expect(model[STATE]).toBe('called 1 times')
})

test('given a wrapped model, when it is inspected, then it is an instance of the same classes, with the same keys', () => {
  // A method of its own, over the one of its class.
  const inner = Object.assign(new PrivateModel('stale'), { domesticate: () => 'no' })
  const model = refreshingModel(inner, async () => inner)
  expect(model.domesticate()).toBe('no')
  expect(model).toBeInstanceOf(PrivateModel)
  expect(model).toBeInstanceOf(Base)
  expect(model.constructor).toBe(PrivateModel)
  expect(Object.keys(model)).toEqual(Object.keys(inner))
  for (const key of ['doRerank', 'doGenerate', 'provider', 'calls', STATE]) expect(key in model).toBe(true)
  expect('doEmbed' in model).toBe(false)
})

test('given a plain model, when it is copied or spread, then the copy refreshes, too', async () => {
  const remote = new Remote(({ token }) => {
    if (token === 'stale') throw apiError(401)
    return token
  })
  const inner = remote.model('stale')
  const model = refreshingModel(inner, async () => remote.model('fresh'))
  expect(Object.keys(model)).toEqual(Object.keys(inner))
  const copy = { ...model, modelId: 'another' }
  expect(copy).toMatchObject({ specificationVersion: 'v4', provider: 'remote.chat', modelId: 'another' })
  expect(await copy.doGenerate(CALL)).toBe('fresh')
})

test('given a frozen model, or one without a prototype, when it is wrapped, then it works', async () => {
  const remote = new Remote(({ token }) => {
    if (token === 'stale') throw apiError(401)
    return token
  })
  for (const inner of [
    Object.freeze(remote.model('stale')),
    Object.assign(Object.create(null) as object, remote.model('stale')),
  ]) {
    const model = refreshingModel(inner, async () => remote.model('fresh'))
    expect(await model.doGenerate(CALL)).toBe('fresh')
    expect(model.provider).toBe('remote.chat')
  }
})

test('[P10] given a refresh that is running, when a property is read, then it does not wait', async () => {
  const source = responder<PrivateModel>()
  const model = refreshingModel(new PrivateModel('stale'), source.refresh)
  const answer = model.doGenerate()
  await settled()
  expect(source.calls).toHaveLength(1)
  expect(model.provider).toBe('private.chat')
  expect(model.fingerprint('?')).toBe('5?!')
  source.call(0).resolve(new PrivateModel('fresh'))
  expect(await answer).toMatchObject({ usage: 'fresh' })
  // The names are those of the first model, whatever came after it.
  expect(model.fingerprint('?')).toBe('5?!')
})

describe('[Z1] printing one shows no more than printing the model itself:', () => {
  const CANARY = 'canary-7f3a91'

  /** Every way in which people print things. */
  function printed(thing: unknown): string[] {
    return [
      inspect(thing, { depth: 10 }),
      inspect(thing, { depth: 10, showHidden: true, getters: true }),
      JSON.stringify(thing) ?? '',
      String(thing),
      JSON.stringify(Object.entries(thing as object)),
    ]
  }
  const secret = (thing: unknown): boolean[] => printed(thing).map((words) => words.includes(CANARY))

  test.each(MODELS)('$name', ({ create }) => {
    const raw = create({ token: CANARY })
    const model = refreshingModel(raw, async () => create({ token: CANARY }))
    const open = secret(raw)
    for (const [way, isOpen] of secret(model).entries()) expect(isOpen && open[way] !== true).toBe(false)
    expect(JSON.stringify(model)).toBe(JSON.stringify(raw))
  })

  test('a token in a private member', () => {
    const model = refreshingModel(new PrivateModel(CANARY), async () => new PrivateModel(CANARY))
    expect(secret(model)).not.toContain(true)
  })

  test('a token in a closure', () => {
    const remote = new Remote(() => CANARY)
    const model = refreshingModel(remote.model(CANARY), async () => remote.model(CANARY))
    expect(secret(model)).not.toContain(true)
  })
})
