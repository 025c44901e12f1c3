import { expect, test } from 'vitest'
import { Refreshable, RefreshError, type RefreshEvent, retryOnce } from '../../src/index.ts'
import { responder } from '../support/responder.ts'
import { settled } from '../support/settled.ts'

interface Answer {
  status: number
  challenge?: string
  discarded?: boolean
}

/** A remote side that takes one token only. */
function remote(good: string) {
  const answers: Answer[] = []
  return {
    answers,
    call: async (token: string): Promise<Answer> => {
      const answer: Answer = { status: token === good ? 200 : 401 }
      answers.push(answer)
      return answer
    },
  }
}

const policy = {
  isRejection: ({ status }: Answer) => status === 401,
  discard: (answer: Answer) => {
    answer.discarded = true
  },
}

test('[P7] given a rejected attempt, when the second attempt succeeds, then the caller gets its result, and the rejection is discarded', async () => {
  const { answers, call } = remote('new')
  const cell = new Refreshable({ initial: 'old', refresh: async () => 'new' })
  expect(await retryOnce(cell, call, policy)).toBe(answers[1])
  await settled()
  expect(answers).toEqual([{ status: 401, discarded: true }, { status: 200 }])
})

test('[P7] given a rejected attempt, when the second one is rejected too, then the caller gets that rejection, and there is no third attempt', async () => {
  const { answers, call } = remote('none')
  const cell = new Refreshable({ initial: 'old', refresh: async () => 'new' })
  expect(await retryOnce(cell, call, policy)).toBe(answers[1])
  expect(answers).toHaveLength(2)
})

test('[P4] given a refresh that fails, when an attempt is rejected, then the caller gets the rejection unchanged and not discarded', async () => {
  const { answers, call } = remote('new')
  const events: RefreshEvent[] = []
  const cell = new Refreshable<string>({ initial: 'old', refresh: () => Promise.reject(new Error('down')) })
  const answer = await retryOnce(cell, call, { ...policy, onEvent: (event) => events.push(event) })
  await settled()
  expect(answer).toBe(answers[0])
  expect(answer.discarded).toBeUndefined()
  expect(events).toMatchObject([{ type: 'not_retried', generation: 1, error: { code: 'refresh_failed' } }])
})

test('[P12] given a refresh that runs for a rejected call, when the caller leaves, then it gets its signal’s reason, and the rejection is discarded', async () => {
  const { answers, call } = remote('new')
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const leaving = new AbortController()
  const left = retryOnce(cell, call, { ...policy, signal: leaving.signal })
  await settled()
  leaving.abort('left')
  await expect(left).rejects.toBe('left')
  await settled()
  expect(answers).toEqual([{ status: 401, discarded: true }])
  expect(source.calls).toHaveLength(1)
})

test('[P3] given a discard() that throws or rejects, then the call succeeds', async () => {
  for (const discard of [
    () => {
      throw new Error('already closed')
    },
    () => Promise.reject(new Error('already closed')),
  ]) {
    const { call } = remote('new')
    const cell = new Refreshable({ initial: 'old', refresh: async () => 'new' })
    expect(await retryOnce(cell, call, { ...policy, discard })).toEqual({ status: 200 })
    await settled()
  }
})

test('[C10] given a judgement that takes time and has a challenge, then the refresh gets the challenge', async () => {
  const source = responder<string>()
  const cell = new Refreshable({ initial: 'old', refresh: source.refresh })
  const challenge = 'Bearer error="invalid_token", claims="eyJ…"'
  const answer = retryOnce(cell, async (token) => token, {
    isRejection: async (token) => {
      await settled()
      return { rejected: token === 'old', challenge }
    },
  })
  await settled()
  await settled()
  expect(source.call(0).context).toMatchObject({ cause: 'rejected', challenge, current: { value: 'old' } })
  source.call(0).resolve('new')
  expect(await answer).toBe('new')
})

test('[P3] given an attempt that throws an error of this library, then it is no rejection', async () => {
  const cell = new Refreshable({ initial: 'old', refresh: async () => 'new' })
  const error = new RefreshError('reauthentication_required', 'HTTP 401 unauthorized')
  let attempts = 0
  const call = async (): Promise<never> => {
    attempts++
    throw error
  }
  await expect(retryOnce(cell, call, {})).rejects.toBe(error)
  expect(attempts).toBe(1)
})
