import { BaseProvider, type ChatOutcome, type ChatRequest, type StreamDelta } from 'llm-refresh/provider'

export const request: ChatRequest = { system: '', messages: [{ role: 'user', content: 'Hello' }] }

const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, cacheCreationInputTokens: 0 }
const success: ChatOutcome = {
  type: 'success',
  response: {
    id: '1',
    model: 'bench',
    content: [{ type: 'text', text: 'ok' }],
    stopReason: 'end_turn',
    usage,
  },
}
const text: StreamDelta = { type: 'text_delta', delta: 'word ', blockIndex: 0 }

/** A provider that does almost no work itself, so that a benchmark measures only its wrapper. */
export class BenchProvider extends BaseProvider {
  readonly provider = 'bench'
  readonly model = 'bench'
  readonly #deltas: number

  constructor(deltas: number = 0) {
    super()
    this.#deltas = deltas
  }

  async chat(): Promise<ChatOutcome> {
    return success
  }

  override async *chatStream(): AsyncGenerator<StreamDelta, void, undefined> {
    for (let n = 0; n < this.#deltas; n++) yield text
    yield { type: 'usage', usage }
    yield { type: 'done', stopReason: 'end_turn' }
  }
}
