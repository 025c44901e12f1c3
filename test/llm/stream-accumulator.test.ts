import { expect, test } from 'vitest'
import { RefreshError } from '../../src/index.ts'
import {
  collectStream,
  type ContentBlock,
  StreamAccumulator,
  type StreamDelta,
} from '../../src/surfaces/provider/index.ts'
import { ScriptedStream, text, usage } from '../support/scripted.ts'

function contentOf(...deltas: StreamDelta[]): ContentBlock[] {
  const accumulator = new StreamAccumulator()
  for (const delta of deltas) accumulator.add(delta)
  return accumulator.content()
}

function codeOf(...deltas: StreamDelta[]): unknown {
  try {
    return contentOf(...deltas)
  } catch (error) {
    return error instanceof RefreshError ? error.code : error
  }
}

const start = (blockIndex: number, id = 't', name = 'tool'): StreamDelta => ({
  type: 'tool_use_start',
  id,
  name,
  blockIndex,
})
const input = (blockIndex: number, delta: string, id = 't'): StreamDelta => ({
  type: 'tool_input_delta',
  id,
  delta,
  blockIndex,
})
const thinking = (delta: string, blockIndex = 0): StreamDelta => ({
  type: 'thinking_delta',
  delta,
  blockIndex,
})
const signature = (delta: string, blockIndex = 0): StreamDelta => ({
  type: 'signature_delta',
  delta,
  blockIndex,
})

test('blocks are in the order of their indexes, however they came, and whatever the gaps', () => {
  const at = (blockIndex: number): StreamDelta => ({ type: 'text_delta', delta: `${blockIndex}`, blockIndex })
  expect(contentOf(at(2 ** 53 - 1), at(10), at(0), at(9), at(4_294_967_296))).toEqual(
    ['0', '9', '10', '4294967296', '9007199254740991'].map((each) => ({ type: 'text', text: each })),
  )
})

test('deltas of several blocks may be mixed', () => {
  expect(
    contentOf(
      thinking('a', 0),
      start(1),
      signature('s', 0),
      input(1, '{"a"'),
      thinking('b', 0),
      input(1, ':1}'),
    ),
  ).toEqual([
    { type: 'thinking', thinking: 'ab', signature: 's' },
    { type: 'tool_use', id: 't', name: 'tool', input: { a: 1 } },
  ])
})

test('a signature without thinking is a thinking block', () => {
  expect(contentOf(signature('s'), signature('ig'))).toEqual([
    { type: 'thinking', thinking: '', signature: 'sig' },
  ])
})

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '0', undefined, null, {}])(
  'a block index of %s is refused',
  (blockIndex) => {
    for (const delta of [
      text('a'),
      thinking('a'),
      signature('a'),
      start(0),
      { type: 'redacted_thinking', data: '' },
    ]) {
      expect(codeOf({ ...delta, blockIndex } as StreamDelta)).toBe('invalid_stream')
    }
  },
)

test('more than 4096 blocks are refused; what came before is kept', () => {
  const accumulator = new StreamAccumulator()
  const add = (blockIndex: number): void => accumulator.add({ type: 'text_delta', delta: 'x', blockIndex })
  for (let index = 0; index < 4096; index++) add(index * 1_000_003)
  for (let index = 1; index < 1_000; index++) {
    expect(() => add(index)).toThrow(expect.objectContaining({ code: 'invalid_stream' }))
  }
  add(0)
  expect(accumulator.content()).toHaveLength(4096)
  expect(accumulator.content()[0]).toEqual({ type: 'text', text: 'xx' })
})

test('deltas that contradict each other are refused', () => {
  expect(codeOf(text('a'), thinking('b'))).toBe('invalid_stream')
  expect(codeOf(text('a'), start(0))).toBe('invalid_stream')
  expect(codeOf(start(0), text('a'))).toBe('invalid_stream')
  expect(codeOf(thinking('a'), { type: 'redacted_thinking', data: 'b', blockIndex: 0 })).toBe(
    'invalid_stream',
  )
  expect(codeOf(input(0, '{}'))).toBe('invalid_stream')
  expect(codeOf(text('a'), input(0, '{}'))).toBe('invalid_stream')
})

test('two tool calls on one block contradict each other: neither swallows the other', () => {
  expect(codeOf(start(0, 'one'), input(0, '{"a":1}', 'one'), start(0, 'two'))).toBe('invalid_stream')
  expect(codeOf(start(0, 'one', 'read'), start(0, 'one', 'delete'))).toBe('invalid_stream')
})

test('input of another tool call is refused', () => {
  expect(codeOf(start(0, 'one'), input(0, '{}', 'two'))).toBe('invalid_stream')
})

test.each([
  [[], {}],
  [['', ' '], {}],
  [['{"a":', '[1,2]}'], { a: [1, 2] }],
  [['{"path":"/tm'], '{"path":"/tm'],
  [['"text"'], 'text'],
  [['7'], 7],
])('the input of a tool call that came as %j is %j', (pieces, parsed) => {
  expect(contentOf(start(0), ...pieces.map((piece) => input(0, piece)))).toEqual([
    { type: 'tool_use', id: 't', name: 'tool', input: parsed },
  ])
})

test('input that names __proto__ changes no prototype', () => {
  const [block] = contentOf(start(0), input(0, '{"__proto__":{"polluted":true}}'))
  expect(block?.type === 'tool_use' && Object.keys(block.input as object)).toEqual(['__proto__'])
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

test('a kind of delta that is not known yet is passed over', () => {
  expect(contentOf(text('a'), Object.assign(text('b'), { type: 'citation_delta' }), text('c'))).toEqual([
    { type: 'text', text: 'ac' },
  ])
})

test('[P9] the last usage counts', async () => {
  const stream = new ScriptedStream({ type: 'usage', usage: usage(1, 0) }, text('a'), {
    type: 'usage',
    usage: usage(1, 9),
  })
  expect(await collectStream(stream, { model: 'm' })).toEqual({
    type: 'success',
    response: {
      id: '',
      model: 'm',
      stopReason: undefined,
      usage: usage(1, 9),
      content: [{ type: 'text', text: 'a' }],
    },
  })
})

test.each(['connection', 'unknown', 'server_error'] as const)(
  'an error of kind %s is a server error',
  async (kind) => {
    const error: StreamDelta = { type: 'error', kind, message: 'cut', status: 502 }
    expect(await collectStream(new ScriptedStream(text('a'), error), { model: 'm' })).toEqual({
      type: 'server_error',
      message: 'cut',
      status: 502,
    })
  },
)

test('content() may be asked at any time, and hands out nothing that later deltas change', () => {
  const accumulator = new StreamAccumulator()
  accumulator.add(text('a'))
  const early = accumulator.content()
  accumulator.add(text('b'))
  expect([early, accumulator.content()]).toEqual([
    [{ type: 'text', text: 'a' }],
    [{ type: 'text', text: 'ab' }],
  ])
})

test('a stream that is refused is closed; what the stream throws is thrown', async () => {
  const hostile = new ScriptedStream(text('a'), start(0), text('never'))
  await expect(collectStream(hostile, { model: 'm' })).rejects.toMatchObject({ code: 'invalid_stream' })
  expect([hostile.reads, hostile.returns]).toEqual([2, 1])
  const error = new TypeError('terminated')
  const broken = new ScriptedStream(text('a'), () => Promise.reject(error))
  await expect(collectStream(broken, { model: 'm' })).rejects.toBe(error)
})
