import { RefreshError } from '../core/errors.ts'
import type { ContentBlock } from './content.ts'
import type { ChatOutcome, StopReason, StreamDelta, StreamErrorDelta, Usage } from './response.ts'

/** Most blocks an answer may have: beyond any real one, and few enough to hold. */
const MOST_BLOCKS = 4096

/** What a stream does not tell and an answer has. */
export interface AnswerIdentity {
  /** The model's id. */
  model: string
  /** The answer's id. Default: empty. */
  id?: string | undefined
}

/** A block while it grows. */
interface Draft {
  readonly type: 'text' | 'thinking' | 'redacted_thinking' | 'tool_use'
  /** Its text, its thinking, its data, or its input's JSON. */
  body: string
  id: string
  name: string
  signature: string | undefined
}

/**
 * Puts a stream's deltas together again. Blocks are ordered by their index, whatever order they came in; an index is
 * only a label, so that a hostile one costs no memory.
 */
export class StreamAccumulator {
  readonly #drafts = new Map<number, Draft>()
  #usage: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cacheCreationInputTokens: 0 }
  #stopReason: StopReason | undefined
  #error: StreamErrorDelta | undefined

  /** @throws RefreshError `invalid_stream` for deltas that contradict each other, or more than 4096 blocks */
  add(delta: StreamDelta): void {
    switch (delta.type) {
      case 'text_delta':
        this.#draft(delta.blockIndex, 'text').body += delta.delta
        return
      case 'thinking_delta':
        this.#draft(delta.blockIndex, 'thinking').body += delta.delta
        return
      case 'signature_delta': {
        const draft = this.#draft(delta.blockIndex, 'thinking')
        draft.signature = (draft.signature ?? '') + delta.delta
        return
      }
      case 'redacted_thinking':
        this.#draft(delta.blockIndex, 'redacted_thinking').body += delta.data
        return
      case 'tool_use_start': {
        const draft = this.#draft(delta.blockIndex, 'tool_use')
        draft.id = delta.id
        draft.name = delta.name
        draft.signature = delta.thoughtSignature
        return
      }
      case 'tool_input_delta':
        if (!this.#drafts.has(delta.blockIndex)) {
          throw invalid(delta.blockIndex, 'has input of a tool call before its start')
        }
        this.#draft(delta.blockIndex, 'tool_use').body += delta.delta
        return
      case 'usage':
        this.#usage = delta.usage
        return
      case 'done':
        this.#stopReason = delta.stopReason
        return
      case 'error':
        this.#error = delta
        return
      default:
        delta satisfies never
    }
  }

  /** The blocks so far, in order. A tool call's input that is no JSON (it was cut off) is the text that came. */
  content(): ContentBlock[] {
    return [...this.#drafts].toSorted(([one], [other]) => one - other).map(([, draft]) => finished(draft))
  }

  /** The outcome so far: what an error delta said, else a success. */
  outcome({ model, id = '' }: AnswerIdentity): ChatOutcome {
    if (this.#error !== undefined) return failure(this.#error)
    const response = { id, model, content: this.content(), stopReason: this.#stopReason, usage: this.#usage }
    return { type: 'success', response }
  }

  #draft(index: number, type: Draft['type']): Draft {
    const known = this.#drafts.get(index)
    if (known?.type === type) return known
    if (known !== undefined) throw invalid(index, `began as ${known.type} and went on as ${type}`)
    if (!Number.isSafeInteger(index) || index < 0) throw invalid(index, 'is no whole number from 0 on')
    if (this.#drafts.size >= MOST_BLOCKS) throw invalid(index, `is more than the ${MOST_BLOCKS}th`)
    const draft: Draft = { type, body: '', id: '', name: '', signature: undefined }
    this.#drafts.set(index, draft)
    return draft
  }
}

/**
 * Reads a stream to its end and gives the outcome that `chat` would have given.
 *
 * @throws RefreshError `invalid_stream`, and what the stream throws
 * @example
 * const outcome = await collectStream(provider.chatStream(request), { model: provider.model })
 */
export async function collectStream(
  stream: AsyncIterable<StreamDelta>,
  identity: AnswerIdentity,
): Promise<ChatOutcome> {
  const accumulator = new StreamAccumulator()
  for await (const delta of stream) accumulator.add(delta)
  return accumulator.outcome(identity)
}

function invalid(index: number, problem: string): RefreshError {
  return new RefreshError('invalid_stream', `Block ${String(index)} ${problem}.`)
}

function finished({ type, body, id, name, signature }: Draft): ContentBlock {
  switch (type) {
    case 'thinking':
      return { type, thinking: body, signature }
    case 'redacted_thinking':
      return { type, data: body }
    case 'tool_use':
      return { type, id, name, input: parseInput(body), thoughtSignature: signature }
    case 'text':
      return { type, text: body }
  }
}

/** A call without input streams no text at all; text that is no JSON was cut off, and is given as it is. */
function parseInput(json: string): unknown {
  try {
    return json.trim() === '' ? {} : JSON.parse(json)
  } catch {
    return json
  }
}

function failure({ kind, message, status, code, challenge, retryAfter }: StreamErrorDelta): ChatOutcome {
  if (kind === 'rate_limited') return { type: 'rate_limited', retryAfter }
  return { type: kind === 'invalid_request' ? kind : 'server_error', message, status, code, challenge }
}
