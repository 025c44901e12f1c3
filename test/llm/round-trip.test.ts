import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BaseProvider,
  type ChatOutcome,
  collectStream,
  type ContentBlock,
} from '../../src/surfaces/provider/index.ts'
import { request, usage } from '../support/scripted.ts'

class Answering extends BaseProvider {
  readonly provider = 'answering'
  readonly model = 'answering-1'
  readonly outcome: ChatOutcome

  constructor(outcome: ChatOutcome) {
    super()
    this.outcome = outcome
  }

  async chat(): Promise<ChatOutcome> {
    return this.outcome
  }
}

describe('given a response, when it is streamed and collected, then the result is the response', () => {
  const json = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)))
  const block: fc.Arbitrary<ContentBlock> = fc.oneof(
    fc.record({ type: fc.constant('text' as const), text: fc.string() }),
    fc.record(
      { type: fc.constant('thinking' as const), thinking: fc.string(), signature: fc.string() },
      { requiredKeys: ['type', 'thinking'] },
    ),
    fc.record({ type: fc.constant('redacted_thinking' as const), data: fc.string() }),
    fc.record({ type: fc.constant('opaque_reasoning' as const), provider: fc.string(), data: fc.string() }),
    fc.record(
      {
        type: fc.constant('tool_use' as const),
        id: fc.string(),
        name: fc.string(),
        input: json.filter((value) => value !== null),
        thoughtSignature: fc.string(),
      },
      { requiredKeys: ['type', 'id', 'name', 'input'] },
    ),
  )

  test('whatever blocks it has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(block, { maxLength: 8 }), fc.nat(), async (content, tokens) => {
        const response = {
          id: 'msg',
          model: 'm',
          content,
          stopReason: 'tool_use' as const,
          usage: { ...usage(tokens, 2), cachedInputTokens: 3, cacheCreationInputTokens: 4 },
        }
        const outcome: ChatOutcome = { type: 'success', response }
        const stream = new Answering(outcome).chatStream(request)
        expect(await collectStream(stream, { model: 'm', id: 'msg' })).toEqual(outcome)
      }),
    )
  })

  test.each<ChatOutcome>([
    { type: 'rate_limited', retryAfterMs: 2_000 },
    { type: 'rate_limited' },
    { type: 'invalid_request', message: 'no', status: 401, code: 'token_expired', challenge: 'Bearer' },
    { type: 'server_error', message: 'down', status: 503 },
  ])(
    'given the failure %j, when it is streamed and collected, then the result is the failure',
    async (outcome) => {
      expect(await collectStream(new Answering(outcome).chatStream(request), { model: 'm' })).toEqual(outcome)
    },
  )

  test('given blocks that no model responds with, when they are streamed, then they have no deltas, and the others keep their order', async () => {
    const source = { mediaType: 'image/png', data: '' }
    const content: ContentBlock[] = [
      { type: 'image', source },
      { type: 'text', text: 'a' },
      { type: 'document', source },
      { type: 'tool_result', toolUseId: 't', content: 'r' },
      { type: 'text', text: 'b' },
    ]
    const response = { id: '', model: 'm', content, stopReason: undefined, usage: usage(0, 0) }
    const stream = new Answering({ type: 'success', response }).chatStream(request)
    expect(await collectStream(stream, { model: 'm' })).toMatchObject({
      response: { content: [content[1], content[4]] },
    })
  })
})
