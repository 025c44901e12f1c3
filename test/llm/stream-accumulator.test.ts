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

test('given blocks in any order and with gaps, when they are collected, then they are in the order of their indexes', () => {
  const at = (blockIndex: number): StreamDelta => ({ type: 'text_delta', delta: `${blockIndex}`, blockIndex })
  expect(contentOf(at(2 ** 53 - 1), at(10), at(0), at(9), at(4_294_967_296))).toEqual(
    ['0', '9', '10', '4294967296', '9007199254740991'].map((each) => ({ type: 'text', text: each })),
  )
})

test('given mixed deltas of several blocks, when they are collected, then each block gets its own', () => {
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

test('given a signature without thinking, when it is collected, then it is a thinking block', () => {
  expect(contentOf(signature('s'), signature('ig'))).toEqual([
    { type: 'thinking', thinking: '', signature: 'sig' },
  ])
})

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '0', undefined, null, {}])(
  'given a block index of %s, when a delta has it, then the delta is refused',
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

test('given more than 4096 blocks, when they are collected, then the next is refused, and the earlier ones stay', () => {
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

test('given deltas that contradict each other, when they are collected, then they are refused', () => {
  expect(codeOf(text('a'), thinking('b'))).toBe('invalid_stream')
  expect(codeOf(text('a'), start(0))).toBe('invalid_stream')
  expect(codeOf(start(0), text('a'))).toBe('invalid_stream')
  expect(codeOf(thinking('a'), { type: 'redacted_thinking', data: 'b', blockIndex: 0 })).toBe(
    'invalid_stream',
  )
  expect(codeOf(input(0, '{}'))).toBe('invalid_stream')
  expect(codeOf(text('a'), input(0, '{}'))).toBe('invalid_stream')
})

test('given two tool calls on one block, when they are collected, then the second is refused, and neither replaces the other', () => {
  expect(codeOf(start(0, 'one'), input(0, '{"a":1}', 'one'), start(0, 'two'))).toBe('invalid_stream')
  expect(codeOf(start(0, 'one', 'read'), start(0, 'one', 'delete'))).toBe('invalid_stream')
})

test('given input of another tool call, when it is collected, then it is refused', () => {
  expect(codeOf(start(0, 'one'), input(0, '{}', 'two'))).toBe('invalid_stream')
})

test.each([
  [[], {}],
  [['', ' '], {}],
  [['{"a":', '[1,2]}'], { a: [1, 2] }],
  [['{"path":"/tm'], '{"path":"/tm'],
  [['"text"'], 'text'],
  [['7'], 7],
])(
  "given a tool's input in the pieces %j, when they are collected, then the input is %j",
  (pieces, parsed) => {
    expect(contentOf(start(0), ...pieces.map((piece) => input(0, piece)))).toEqual([
      { type: 'tool_use', id: 't', name: 'tool', input: parsed },
    ])
  },
)

test('given input that names __proto__, when it is collected, then no prototype changes', () => {
  const [block] = contentOf(start(0), input(0, '{"__proto__":{"polluted":true}}'))
  expect(block?.type === 'tool_use' && Object.keys(block.input as object)).toEqual(['__proto__'])
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
})

test('given an unknown kind of delta, when it is collected, then it is skipped', () => {
  expect(contentOf(text('a'), Object.assign(text('b'), { type: 'citation_delta' }), text('c'))).toEqual([
    { type: 'text', text: 'ac' },
  ])
})

test('[P9] given several usage deltas, when they are collected, then the last one counts', async () => {
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
  'given an error of kind %s, when it is collected, then the outcome is a server error',
  async (kind) => {
    const error: StreamDelta = { type: 'error', kind, message: 'cut', status: 502 }
    expect(await collectStream(new ScriptedStream(text('a'), error), { model: 'm' })).toEqual({
      type: 'server_error',
      message: 'cut',
      status: 502,
    })
  },
)

test('given a stream that is still running, when content() is called, then later deltas do not change its result', () => {
  const accumulator = new StreamAccumulator()
  accumulator.add(text('a'))
  const early = accumulator.content()
  accumulator.add(text('b'))
  expect([early, accumulator.content()]).toEqual([
    [{ type: 'text', text: 'a' }],
    [{ type: 'text', text: 'ab' }],
  ])
})

test('given a stream that is refused or that throws, when it is collected, then it is closed, or its error is thrown', async () => {
  const hostile = new ScriptedStream(text('a'), start(0), text('never'))
  await expect(collectStream(hostile, { model: 'm' })).rejects.toMatchObject({ code: 'invalid_stream' })
  expect([hostile.reads, hostile.returns]).toEqual([2, 1])
  const error = new TypeError('terminated')
  const broken = new ScriptedStream(text('a'), () => Promise.reject(error))
  await expect(collectStream(broken, { model: 'm' })).rejects.toBe(error)
})
