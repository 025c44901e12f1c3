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

test('[C3] however many are rejected at once, one refresh serves them all', async () => {
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

test('[C2] a rejection that comes late causes no second refresh', async () => {
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

test('[C8] refreshes that do not help are stopped, and each call gets its rejection all the same', async () => {
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

test('[C9] the options of its cell are those of the wrapper: a model known to be stale is replaced first', async () => {
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

test('[P11] models over one refresher share its generations: one refresh serves them all', async () => {
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

test('over a shared refresher, events tell of the retries only', async () => {
  const remote = expiring(expired, () => ANSWER)
  const cell = new Refreshable({ initial: remote.model('stale'), refresh: async () => remote.model('fresh') })
  const events: RefreshEvent[] = []
  const model = await refreshingModel(cell, { onEvent: (event) => events.push(event) })
  await model.doGenerate(CALL)
  expect(events).toEqual([{ type: 'retried', generation: 2 }])
})

test('logged out, a call fails with our own error, and none is made', async () => {
  const remote = new Remote(() => ANSWER)
  const cell = new Refreshable({ initial: remote.model('old'), refresh: async () => remote.model('new') })
  const model = await refreshingModel(cell)
  cell.clear()
  await expect(model.doGenerate(CALL)).rejects.toMatchObject({ code: 'credential_missing' })
  await expect(model.doGenerate(CALL)).rejects.toBeInstanceOf(RefreshError)
  expect(remote.calls).toHaveLength(0)
})
