import { describe, expect, test } from 'vitest'
import { refreshingModel } from '../../../src/surfaces/ai-sdk/index.ts'
import { END, expiring, type Part, PartStream, REJECTION, START, streamed } from './refreshing-remote.ts'

/** What a consumer gets of two attempts: the first begins like this, and is rejected. */
async function joined(first: readonly Part[], second: readonly Part[]): Promise<unknown[]> {
  const remote = expiring(
    () => new PartStream([...first, REJECTION]),
    () => new PartStream(second),
  )
  const model = refreshingModel(remote.model('stale'), async () => remote.model('fresh'))
  return (await streamed(model)).parts
}

const begin = (kind: string, id: string, more: object = {}): Part => ({ type: `${kind}-start`, id, ...more })
const say = (kind: string, id: string, more: object = {}): Part => ({
  type: `${kind}-delta`,
  id,
  delta: 'a',
  ...more,
})
const end = (kind: string, id: string, more: object = {}): Part => ({ type: `${kind}-end`, id, ...more })
const about = (itemId: string): object => ({ providerMetadata: { openai: { itemId } } })

describe('[M3] given a block that the first attempt began, when the second attempt takes over, then', () => {
  test.each(['text', 'reasoning'])(
    'its %s continues in that block, which begins once and ends once',
    async (kind) => {
      const second = [START, begin(kind, '0'), say(kind, '0'), end(kind, '0'), END]
      expect(await joined([START, begin(kind, '0')], second)).toEqual([
        START,
        begin(kind, '0'),
        ...second.slice(2),
      ])
    },
  )

  test('the caller sees the id that it knows, even if the second attempt uses another', async () => {
    const second = [START, begin('text', 'b'), say('text', 'b'), end('text', 'b'), END]
    expect(await joined([START, begin('text', 'a')], second)).toEqual([
      START,
      begin('text', 'a'),
      say('text', 'a'),
      end('text', 'a'),
      END,
    ])
  })

  test('no two blocks share an id, even if the second attempt uses the known one for another block', async () => {
    const second = [
      begin('text', 'b'),
      begin('text', 'a'),
      say('text', 'a'),
      say('text', 'b'),
      end('text', 'a'),
      end('text', 'b'),
      END,
    ]
    expect(await joined([START, begin('text', 'a')], second)).toEqual([
      START,
      begin('text', 'a'),
      begin('text', 'b'),
      say('text', 'b'),
      say('text', 'a'),
      end('text', 'b'),
      end('text', 'a'),
      END,
    ])
  })

  test('ids of text, of reasoning and of tools stay apart', async () => {
    const tool = { type: 'tool-input-delta', id: '0', delta: '' }
    const second = [
      begin('reasoning', '0'),
      begin('text', '1'),
      say('reasoning', '0'),
      tool,
      say('text', '1'),
    ]
    expect(await joined([begin('text', '0'), begin('reasoning', '1')], second)).toEqual([
      begin('text', '0'),
      begin('reasoning', '1'),
      say('reasoning', '1'),
      tool,
      say('text', '0'),
    ])
  })

  test('a block that the second attempt lacks ends before the first content', async () => {
    const second = [START, { type: 'tool-call', toolCallId: '1' }, END]
    expect(await joined([START, begin('reasoning', 'r'), begin('text', 't')], second)).toEqual([
      START,
      begin('reasoning', 'r'),
      begin('text', 't'),
      end('reasoning', 'r'),
      end('text', 't'),
      ...second.slice(1),
    ])
  })

  test('the last metadata of the block win: they no longer name an item that is gone', async () => {
    // The second attempt's start says something of its own; the caller hears it with the next part of the block.
    expect(
      await joined(
        [begin('text', 'a', about('gone'))],
        [begin('text', 'a', about('real')), say('text', 'a'), end('text', 'a'), END],
      ),
    ).toEqual([begin('text', 'a', about('gone')), say('text', 'a', about('real')), end('text', 'a'), END])
    // Where a part says something itself, that is what counts.
    expect(
      await joined(
        [begin('text', 'a', about('gone'))],
        [begin('text', 'a', about('first')), say('text', 'a', about('real')), END],
      ),
    ).toEqual([begin('text', 'a', about('gone')), say('text', 'a', about('real')), END])
    // Where the second attempt says nothing, or has no such block, the item is taken back.
    const nothing = { providerMetadata: {} }
    expect(
      await joined([begin('text', 'a', about('gone'))], [begin('text', 'a'), say('text', 'a'), END]),
    ).toEqual([begin('text', 'a', about('gone')), say('text', 'a', nothing), END])
    expect(await joined([begin('reasoning', 'a', about('gone'))], [say('text', 'b'), END])).toEqual([
      begin('reasoning', 'a', about('gone')),
      end('reasoning', 'a', nothing),
      say('text', 'b'),
      END,
    ])
  })

  test('a delta without a start of its own continues the block', async () => {
    expect(await joined([begin('text', '0')], [say('text', '0'), END])).toEqual([
      begin('text', '0'),
      say('text', '0'),
      END,
    ])
  })
})

test('[M3] given facts about the first response, when the second attempt takes over, then those about the second response follow', async () => {
  const told = (id: string): Part => ({ type: 'response-metadata', id })
  expect(await joined([START, told('gone')], [START, told('real'), say('text', '0'), END])).toEqual([
    START,
    told('gone'),
    told('real'),
    say('text', '0'),
    END,
  ])
})

test('[M3, P7] given a second rejection, when the caller gets it, then nothing comes before it', async () => {
  expect(await joined([START, begin('text', '0')], [START, REJECTION, END])).toEqual([
    START,
    begin('text', '0'),
    REJECTION,
    END,
  ])
})

test('[P6] given reasoning that is whole in its start, when a rejection follows, then nothing is retried', async () => {
  const whole = begin('reasoning', '0', { providerMetadata: { anthropic: { redactedData: 'x' } } })
  expect(await joined([START, whole], [END])).toEqual([START, whole, REJECTION])
})

test('[M3] given parts of an unknown shape, when the stream begins again, then they pass unchanged', async () => {
  const odd = [{ type: 'text-start' }, { type: 'text-start', id: 7 }] as Part[]
  expect(await joined(odd, [...odd, END])).toEqual([...odd, ...odd, END])
})
