import { expect, test } from 'vitest'
import { Refreshable, RefreshError, type RefreshEvent } from '../../../src/index.ts'
import { type AiSdkLanguageModel, refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { Gate } from '../../support/gate.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import { apiError, CALL, expiring, Remote } from './refreshing-remote.ts'

const ANSWER = { content: [{ type: 'text', text: 'Hello.' }], finishReason: 'stop', usage: {} }
const expired = (): never => {
  throw apiError(401)
}

test('[C3] given many calls, when all are rejected at once, then one refresh serves them all', async () => {
  const remote = expiring(expired, () => ANSWER)
  const source = responder<AiSdkLanguageModel>()
  const model = refreshingModel(remote.model('stale'), source.refresh)
  const answers = Array.from({ length: 100 }, () => model.doGenerate(CALL))
  await settled()
  source.call(0).resolve(remote.model('fresh'))
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, () => ANSWER))
  expect(source.calls).toHaveLength(1)
  expect(remote.calls).toHaveLength(200)
})

test('[C2] given a refresh that has ended, when an older rejection arrives, then it causes no second refresh', async () => {
  const gate = new Gate()
  gate.hold(1)
  const remote = expiring(
    () => gate.pass().then(expired),
    () => ANSWER,
  )
  let refreshes = 0
  const events: RefreshEvent[] = []
  const model = refreshingModel(
    remote.model('stale'),
    async () => {
      refreshes++
      return remote.model('fresh')
    },
    { onEvent: (event) => events.push(event) },
  )
  const slow = model.doGenerate(CALL)
  await model.doGenerate(CALL)
  gate.release()
  expect(await slow).toBe(ANSWER)
  expect(refreshes).toBe(1)
  expect(events.filter(({ type }) => type === 'rejected')).toMatchObject([{ stale: false }, { stale: true }])
})

test('[C8] given refreshes that do not help, when calls go on, then the breaker stops refreshing, and each call gets its rejection', async () => {
  const clock = new ManualClock()
  const remote = new Remote(expired)
  let refreshes = 0
  const events: RefreshEvent[] = []
  const model = refreshingModel(
    remote.model('stale'),
    async () => {
      refreshes++
      return remote.model('stale again')
    },
    { clock, onEvent: (event) => events.push(event) },
  )
  for (let call = 0; call < 1_000; call++) {
    await expect(model.doGenerate(CALL)).rejects.toMatchObject({ statusCode: 401 })
    clock.jump(60)
  }
  expect(refreshes).toBeLessThanOrEqual(8)
  expect(events.at(-1)).toMatchObject({ type: 'not_retried', error: { code: 'refresh_suspended' } })
})

test('[C9] given a wrapper with options of a cell, when the model is known to be stale, then it is replaced first', async () => {
  const clock = new ManualClock()
  const remote = new Remote(() => ANSWER)
  const expiries = new Map<AiSdkLanguageModel, number>()
  const built = (token: string): AiSdkLanguageModel => {
    const model = remote.model(token)
    expiries.set(model, clock.now() + 60_000)
    return model
  }
  const model = refreshingModel(built('old'), async () => built('new'), {
    clock,
    expiresAt: (each) => expiries.get(each),
  })
  await model.doGenerate(CALL)
  clock.jump(60_001)
  await model.doGenerate(CALL)
  expect(remote.tokens).toEqual(['old', 'new'])
})

test('[P11] given models over one refresher, when they are rejected, then one refresh serves them all', async () => {
  const remote = expiring(expired, () => ANSWER)
  let refreshes = 0
  const token = new Refreshable({
    initial: 'stale',
    refresh: async () => {
      refreshes++
      return 'fresh'
    },
  })
  const one = await refreshingModel(token.map((value) => remote.model(value)))
  const other = await refreshingModel(token.map((value) => remote.model(value)))
  await Promise.all([one.doGenerate(CALL), other.doGenerate(CALL), one.doGenerate(CALL)])
  expect(refreshes).toBe(1)
  expect(remote.tokens.toSorted()).toEqual([...Array(3).fill('fresh'), ...Array(3).fill('stale')])
})

test("given a shared refresher, when calls are retried, then the wrapper's events tell of the retries only", async () => {
  const remote = expiring(expired, () => ANSWER)
  const cell = new Refreshable({ initial: remote.model('stale'), refresh: async () => remote.model('fresh') })
  const events: RefreshEvent[] = []
  const model = await refreshingModel(cell, { onEvent: (event) => events.push(event) })
  await model.doGenerate(CALL)
  expect(events).toEqual([{ type: 'retried', generation: 2 }])
})

test('given a logout, when a call is made, then it fails with our own error, and no model is called', async () => {
  const remote = new Remote(() => ANSWER)
  const cell = new Refreshable({ initial: remote.model('old'), refresh: async () => remote.model('new') })
  const model = await refreshingModel(cell)
  cell.clear()
  await expect(model.doGenerate(CALL)).rejects.toMatchObject({ code: 'credential_missing' })
  await expect(model.doGenerate(CALL)).rejects.toBeInstanceOf(RefreshError)
  expect(remote.calls).toHaveLength(0)
})
