import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { streamText } from 'ai'
import { refreshingModel } from 'llm-refresh/ai-sdk'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

type Part = LanguageModelV4StreamPart
/** What a stream does after its last part. A stalled stream ends with the caller's abort, as a connection does. */
type Ending = 'ends' | 'stalls'

const START: Part = { type: 'stream-start', warnings: [{ type: 'other', message: 'A warning.' }] }
const CREATED: Part = {
  type: 'response-metadata',
  id: 'response_1',
  modelId: 'model-1',
  timestamp: new Date(0),
}
const TOKENS = { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }
const FINISH: Part = {
  type: 'finish',
  finishReason: { unified: 'stop', raw: 'stop' },
  usage: { inputTokens: TOKENS, outputTokens: { total: 1, text: 1, reasoning: 0 } },
}
const SAID: readonly Part[] = [
  { type: 'text-start', id: '0' },
  { type: 'text-delta', id: '0', delta: 'Hello.' },
  { type: 'text-end', id: '0' },
  FINISH,
]
const EXPIRED: Part = { type: 'error', error: { type: 'authentication_error', message: 'expired' } }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function model(parts: readonly Part[], ending: Ending = 'ends'): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'remote',
    modelId: 'model-1',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('not asked for here')),
    doStream: async ({ abortSignal }) => ({
      response: { headers: { 'x-parts': String(parts.length) } },
      stream: new ReadableStream<Part>({
        start: (controller) => {
          for (const part of parts) controller.enqueue(part)
          if (ending === 'ends') controller.close()
          abortSignal?.addEventListener('abort', () => controller.error(abortSignal.reason))
        },
      }),
    }),
  }
}

const refreshing = (first: LanguageModelV4, fresh = first): LanguageModelV4 =>
  refreshingModel(first, async () => fresh)

/** Everything that a user of `streamText` sees, each with the time (ms) at which it arrives. */
async function seen(asked: LanguageModelV4, more: Partial<Parameters<typeof streamText>[0]> = {}) {
  const started = Date.now()
  let clock = 0
  const events: unknown[] = []
  // Calls of callbacks go into a separate list. Their order among parts of the same instant depends on microtasks, so it does not count.
  const calls: unknown[] = []
  const note = (event: unknown): unknown => events.push([clock, event])
  const result = streamText({
    model: asked,
    prompt: 'Hello',
    maxRetries: 0,
    _internal: { generateId: () => 'id', now: () => started },
    onError: ({ error }) => void calls.push([clock, 'onError', String(error)]),
    onAbort: () => void calls.push([clock, 'onAbort']),
    ...more,
  } as Parameters<typeof streamText>[0])
  const over = (async () => {
    try {
      for await (const part of result.fullStream) {
        note(part.type === 'start-step' || part.type === 'finish-step' ? [part.type, part] : part)
      }
    } catch (error) {
      note(['threw', String(error)])
    }
  })()
  for (; clock < 1000; clock += 100) {
    await vi.advanceTimersByTimeAsync(100)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const isOver = await Promise.race([over.then(() => true), Promise.resolve(false)])
  return { events: withoutTimes(events), calls, isOver }
}

/** Removes times, because two runs do not happen in the same millisecond. */
function withoutTimes(events: readonly unknown[]): unknown {
  return JSON.parse(
    JSON.stringify(events, (name, value: unknown) =>
      name === 'timestamp' || name === 'performance' || name === 'headers' ? undefined : value,
    ),
  )
}

describe('[M3] given a model, when streamText reads it through refreshingModel, then it sees the same in the same order, at the same time:', () => {
  test.each<[string, readonly Part[], Ending, Partial<Parameters<typeof streamText>[0]>?]>([
    ['an answer', [START, CREATED, ...SAID], 'ends'],
    ['an answer that stalls after its head', [START, CREATED], 'stalls', { timeout: { firstChunkMs: 300 } }],
    ['an answer that never begins', [], 'stalls', { timeout: { firstChunkMs: 300 } }],
    [
      'an answer that stalls in its first block',
      [START, CREATED, ...SAID.slice(0, 1)],
      'stalls',
      { timeout: { firstChunkMs: 300 } },
    ],
    ['an answer that stalls, and nobody minds', [START, CREATED], 'stalls'],
    ['an answer without end', [START, CREATED, ...SAID.slice(0, 2)], 'stalls', { timeout: { chunkMs: 200 } }],
    ['an answer that ends in its head', [START, CREATED], 'ends'],
    [
      'an error that is no rejection',
      [START, CREATED, { type: 'error', error: new Error('overloaded') }, FINISH],
      'ends',
    ],
    ['an error after the first content', [START, CREATED, ...SAID.slice(0, 2), EXPIRED], 'ends'],
  ])('%s', async (_, parts, ending, more) => {
    const raw = await seen(model(parts, ending), more)
    const ours = await seen(refreshing(model(parts, ending)), more)
    expect(ours).toEqual(raw)
  })

  test('an abort in the head, and one before the call', async () => {
    for (const after of [0, 200]) {
      const [raw, ours] = await Promise.all(
        [0, 1].map(async (ofOurs) => {
          const leaving = new AbortController()
          if (after === 0) leaving.abort()
          else setTimeout(() => leaving.abort(), after)
          const inner = model([START, CREATED], 'stalls')
          return seen(ofOurs === 1 ? refreshing(inner) : inner, { abortSignal: leaving.signal })
        }),
      )
      expect(ours).toEqual(raw)
    }
  })
})

test('[M3] given an expired credential, when the stream begins anew inside, then streamText sees one step, and the second response', async () => {
  const first = model([START, { ...CREATED, id: 'gone' }, SAID[0] as Part, EXPIRED, FINISH])
  const fresh = model([START, CREATED, ...SAID])
  const ours = await seen(refreshing(first, fresh))
  const raw = await seen(fresh)
  expect(ours).toEqual(raw)
})
