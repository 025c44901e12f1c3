import { describe, expect, test } from 'vitest'
import { type RefreshEvent, Refreshable } from '../../../src/index.ts'
import { type AiSdkLanguageModel, refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import {
  apiError,
  CALL,
  END,
  expiring,
  failing,
  type Part,
  PartStream,
  REJECTION,
  Remote,
  START,
  streamed,
  taken,
  text,
} from './refreshing-remote.ts'

const PRELUDE: readonly Part[] = [
  START,
  { type: 'response-metadata', id: 'answer_1' },
  { type: 'text-start', id: '0' },
  { type: 'reasoning-start', id: '1' },
  { type: 'ping' },
  { type: 'raw', rawValue: {} },
]
const FRESH = [START, text('Hello.'), END]

/** A wrapped model whose first answer is this stream, and what was done to it. */
function wrapped(stream: PartStream): { model: AiSdkLanguageModel; remote: Remote; refreshes: () => number } {
  const remote = expiring(
    () => stream,
    () => new PartStream(FRESH),
  )
  let refreshes = 0
  const model = refreshingModel(remote.model('stale'), async () => {
    refreshes++
    return remote.model('fresh')
  })
  return { model, remote, refreshes: () => refreshes }
}

describe('[M3] given a rejection before the first content, when the stream begins anew inside, then nothing begins twice:', () => {
  const preludes = [[], ...PRELUDE.map((part) => [part]), PRELUDE]
  test.each(preludes.map((parts) => [parts.map(({ type }) => type).join(', ') || 'nothing', parts] as const))(
    '%s',
    async (_, parts) => {
      const stream = new PartStream([...parts, REJECTION, text('never')])
      const { model, remote, refreshes } = wrapped(stream)
      const has = (type: string): boolean => parts.some((part) => part.type === type)
      expect(await streamed(model)).toEqual({
        parts: [
          ...parts,
          ...(has('stream-start') ? [] : [START]),
          // The text goes on in the block that was begun; the reasoning does not.
          ...(has('reasoning-start') ? [{ type: 'reasoning-end', id: '1' }] : []),
          ...FRESH.slice(1),
        ],
      })
      expect(remote.tokens).toEqual(['stale', 'fresh'])
      expect(refreshes()).toBe(1)
      expect(stream.pulls).toBe(parts.length + 3)
    },
  )
})

test.each([
  'text-delta',
  'reasoning-delta',
  'tool-input-start',
  'tool-call',
  'source',
  'file',
  'finish',
  'text-end',
  'transcript-delta',
  'audio',
  'stream-end',
  'Ping',
  'a kind of the future',
  '',
])(
  '[M3, P6] given a part of kind %j, when a rejection follows, then the caller gets it, because nothing can be taken back',
  async (type) => {
    const parts = [START, { type, n: 1 }, REJECTION, END]
    const { model, remote, refreshes } = wrapped(new PartStream(parts))
    expect(await streamed(model)).toEqual({ parts })
    expect(remote.tokens).toEqual(['stale'])
    expect(refreshes()).toBe(0)
  },
)

test.each([
  ['no object', 'text'],
  ['null', null],
  ['bytes', new Uint8Array([1])],
  ['a part without a kind', {}],
])('[M3] given a part that is %s, when it arrives, then it counts as content', async (_, part) => {
  const parts = [START, part, REJECTION] as Part[]
  const { model, refreshes } = wrapped(new PartStream(parts))
  expect(await streamed(model)).toEqual({ parts })
  expect(refreshes()).toBe(0)
})

test.each([
  ["a vendor's name for it", { type: 'error', error: { type: 'authentication_error', message: 'no' } }],
  ['what the AI SDK throws', apiError(401)],
  ['words', '401 Unauthorized'],
  ['an error with words', new Error('Incorrect API key provided.')],
  ['a cause', new Error('failed', { cause: apiError(401) })],
])(
  '[M3] given an error part that is a rejection by %s, when it arrives before the content, then the stream begins again',
  async (_, error) => {
    const { model, refreshes } = wrapped(new PartStream([START, failing(error)]))
    expect(await streamed(model)).toEqual({ parts: FRESH })
    expect(refreshes()).toBe(1)
  },
)

test.each([
  ['an overload', { type: 'error', error: { type: 'overloaded_error', message: 'authentication is slow' } }],
  ['a status', apiError(500, 'Unauthorized')],
  ['words', 'The kettle is on.'],
  ['nothing', undefined],
  ['an abort', new DOMException('This operation was aborted', 'AbortError')],
])(
  '[M3] given an error part for %s, when it arrives, then it passes with everything after it',
  async (_, error) => {
    const parts = [START, failing(error), text('and yet'), END]
    const stream = new PartStream(parts)
    const { model, remote, refreshes } = wrapped(stream)
    const { parts: seen } = await streamed(model)
    expect(seen).toEqual(parts)
    expect((seen[1] as Part)['error']).toBe(error)
    expect(remote.calls).toHaveLength(1)
    expect(refreshes()).toBe(0)
    expect(stream.cancels).toEqual([])
  },
)

test('[M3] given a stream that breaks with a rejection before its first content, when it is read, then it is opened again', async () => {
  for (const parts of [[], [START]]) {
    const { model, refreshes } = wrapped(new PartStream(parts, { breaks: apiError(401) }))
    expect(await streamed(model)).toEqual({ parts: FRESH })
    expect(refreshes()).toBe(1)
  }
})

test('[M3] given a stream that breaks with another error, or after its content, when it is read, then it breaks with that very error', async () => {
  const broken = new Error('other side closed')
  const rejection = apiError(401)
  for (const [parts, breaks] of [
    [[], broken],
    [PRELUDE, broken],
    [[...PRELUDE, text('a')], rejection],
    [[], undefined],
  ] as const) {
    const { model, refreshes } = wrapped(new PartStream(parts, { breaks }))
    const { stream } = await model.doStream(CALL)
    const reader = stream.getReader()
    for (const part of parts) expect(await reader.read()).toEqual({ done: false, value: part })
    await expect(reader.read()).rejects.toBe(breaks)
    expect(refreshes()).toBe(0)
  }
})

test('[M3] given a stream that ends before its content, when it is read, then it passes unchanged', async () => {
  for (const parts of [[], PRELUDE]) {
    const { model, refreshes } = wrapped(new PartStream(parts))
    expect(await streamed(model)).toEqual({ parts })
    expect(refreshes()).toBe(0)
  }
})

test('[M1] given two reads that wait, when the stream ends, then both learn it', async () => {
  const { model } = wrapped(new PartStream([START, text('a')]))
  const { stream } = await model.doStream(CALL)
  const reader = stream.getReader()
  const reads = await Promise.all([reader.read(), reader.read(), reader.read(), reader.read()])
  expect(reads.map(({ done }) => done)).toEqual([false, false, true, true])
})

test('[M3] given a model that rejects when a stream opens, when it is called, then that is retried like any rejection', async () => {
  const remote = expiring(
    () => Promise.reject(apiError(401)),
    () => new PartStream(FRESH),
  )
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
  expect(await streamed(model)).toEqual({ parts: FRESH })
})

test.each([503, 401])(
  '[P4, P7] given a rejection in a stream, when the second one does not open for a %i, then the caller gets an error part, as a model tells of errors there',
  async (status) => {
    const error = apiError(status)
    const remote = expiring(
      () => new PartStream([START, REJECTION]),
      () => Promise.reject(error),
    )
    const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
    expect(await streamed(model)).toEqual({ parts: [START, failing(error)] })
    expect(remote.calls.length).toBe(2)
  },
)

test('[C4] given a rejection in a stream, when the caller leaves while the second one opens, then the stream breaks with the reason', async () => {
  const leaving = new AbortController()
  const reason = new Error('enough')
  const remote = expiring(
    () => new PartStream([START, REJECTION]),
    () => {
      leaving.abort(reason)
      return Promise.reject(reason)
    },
  )
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
  expect(await streamed(model, leaving.signal)).toEqual({ parts: [START], broke: reason })
})

test("given a second attempt, when the caller reads the rest of the result, then it is the second attempt's", async () => {
  const { model } = wrapped(new PartStream([START, REJECTION]))
  const result = await model.doStream(CALL)
  const { response } = result as { response?: unknown }
  expect(result).toEqual({
    stream: expect.any(ReadableStream),
    request: { body: 'stale' },
    response: { headers: { token: 'stale' } },
  })
  await taken(result.stream)
  expect(result).toMatchObject({ request: { body: 'fresh' }, response: { headers: { token: 'fresh' } } })
  // The AI SDK takes the result apart at once, and reads the headers at the end.
  expect(response).toEqual({ headers: { token: 'fresh' } })
})

test('[P4] given a refresh that fails, when a stream is rejected, then the caller gets the rejection and the parts after it', async () => {
  const stream = new PartStream([...PRELUDE, REJECTION, END])
  const remote = new Remote(() => stream)
  const events: RefreshEvent[] = []
  const model = refreshingModel(remote.model('stale'), () => Promise.reject(new Error('no')), {
    onEvent: (event) => events.push(event),
  })
  const { stream: given, ...rest } = await model.doStream(CALL)
  expect(rest).toMatchObject({ request: { body: 'stale' } })
  expect(await taken(given)).toEqual({ parts: [...PRELUDE, REJECTION, END] })
  expect(events.at(-1)).toMatchObject({ type: 'not_retried', error: { code: 'refresh_failed' } })

  const broken = apiError(401)
  const other = refreshingModel(
    new Remote(() => new PartStream(PRELUDE, { breaks: broken })).model('stale'),
    () => Promise.reject(new Error('no')),
  )
  const seen = await streamed(other)
  expect(seen.parts).toEqual(PRELUDE)
  expect(seen.broke).toBe(broken)
})

test('[P4, M3] given a rejected stream that does not end, when the refresh begins, then it was closed, and the caller gets the parts that were read', async () => {
  const parts = [START, REJECTION, ...Array.from({ length: 100 }, (_, at) => text(`${at}`))]
  const stream = new PartStream(parts)
  const model = refreshingModel(new Remote(() => stream).model('stale'), () => {
    expect(stream.cancels).toHaveLength(1)
    return Promise.reject(new Error('no'))
  })
  expect(await streamed(model)).toEqual({ parts: parts.slice(0, 66) })
})

test('[P4, M3] given a stream that breaks after a rejection, when no retry follows, then the caller gets the break, too', async () => {
  const broken = new Error('other side closed')
  const remote = new Remote(() => new PartStream([START, REJECTION], { breaks: broken }))
  const model = refreshingModel(remote.model('stale'), () => Promise.reject(new Error('no')))
  expect(await streamed(model)).toEqual({ parts: [START, REJECTION], broke: broken })
})

test('[P7] given a second rejection, when it is read, then the caller gets it whole, with the parts after it', async () => {
  const second = [START, failing('401 Unauthorized, again'), END]
  const streams = [new PartStream([START, REJECTION, END]), new PartStream(second)]
  const remote = new Remote(() => streams[remote.calls.length - 1])
  let refreshes = 0
  const model = refreshingModel(remote.model('stale'), async () => {
    refreshes++
    return remote.model('fresh')
  })
  const result = await model.doStream(CALL)
  expect(await taken(result.stream)).toEqual({ parts: second })
  expect(result).toMatchObject({ request: { body: 'fresh' } })
  expect(streams.map(({ cancels }) => cancels.length)).toEqual([0, 0])
  expect(refreshes).toBe(1)
})

test('[P7, P13] given a second rejection without further parts, when it arrives, then the caller gets it at once', async () => {
  const streams = [new PartStream([START, REJECTION]), new PartStream([START, REJECTION], 'hangs')]
  const remote = new Remote(() => streams[remote.calls.length - 1])
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
  const reader = (await model.doStream(CALL)).stream.getReader()
  expect([await reader.read(), await reader.read()]).toMatchObject([{ value: START }, { value: REJECTION }])
  expect(streams[1]?.pulls).toBe(2)
  await reader.cancel()
})

test('[C3] given streams and calls, when all are rejected at once, then they share one refresh', async () => {
  const remote = expiring(
    ({ method }) => {
      if (method === 'doStream') return new PartStream([START, REJECTION])
      throw apiError(401)
    },
    ({ method }) => (method === 'doStream' ? new PartStream(FRESH) : 'answer'),
  )
  const source = responder<AiSdkLanguageModel>()
  const model = refreshingModel(remote.model('stale'), source.refresh)
  const answers = Promise.all([streamed(model), model.doGenerate(CALL), streamed(model)])
  await settled()
  source.call(0).resolve(remote.model('fresh'))
  expect(await answers).toEqual([{ parts: FRESH }, 'answer', { parts: FRESH }])
  expect(source.calls).toHaveLength(1)
})

test('given a stream, when its first content arrives, then the credential counts as accepted, and not before', async () => {
  const accepted: number[] = []
  for (const [parts, count] of [
    [[START, text('a')], 1],
    [[START, failing('overloaded')], 0],
    [[REJECTION], 0],
    [[START], 0],
  ] as const) {
    accepted.length = 0
    const remote = new Remote(() => new PartStream(parts))
    const cell = new Refreshable({
      initial: remote.model('a'),
      refresh: () => Promise.reject(new Error('no')),
    })
    cell.accepted = ({ generation }) => accepted.push(generation)
    const reader = (await refreshingModel(remote.model('a'), cell).doStream(CALL)).stream.getReader()
    for (const _ of parts) await reader.read()
    expect(accepted).toHaveLength(count)
  }
})
