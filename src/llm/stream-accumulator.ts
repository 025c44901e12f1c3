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

type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string | undefined }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'tool_use'; id: string; name: string; json: string; thoughtSignature: string | undefined }

/**
 * Puts a stream's deltas together again. Blocks are ordered by their index, whatever order they came in; an index is
 * only a label, so that a hostile one costs no memory.
 */
export class StreamAccumulator {
  readonly #blocks = new Map<number, Block>()
  #usage: Usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cacheCreationInputTokens: 0 }
  #stopReason: StopReason | undefined
  #error: StreamErrorDelta | undefined

  /** @throws RefreshError `invalid_stream` for deltas that contradict each other, or more than 4096 blocks */
  add(delta: StreamDelta): void {
    switch (delta.type) {
      case 'text_delta':
        this.#block(delta.blockIndex, 'text', () => ({ type: 'text', text: '' })).text += delta.delta
        return
      case 'thinking_delta':
        this.#thinking(delta.blockIndex).thinking += delta.delta
        return
      case 'signature_delta': {
        const block = this.#thinking(delta.blockIndex)
        block.signature = (block.signature ?? '') + delta.delta
        return
      }
      case 'redacted_thinking':
        this.#block(delta.blockIndex, 'redacted_thinking', () => ({
          type: 'redacted_thinking',
          data: '',
        })).data += delta.data
        return
      case 'tool_use_start': {
        const { id, name, thoughtSignature } = delta
        this.#block(delta.blockIndex, 'tool_use', () => ({
          type: 'tool_use',
          id,
          name,
          json: '',
          thoughtSignature,
        }))
        return
      }
      case 'tool_input_delta':
        this.#block(delta.blockIndex, 'tool_use', () => {
          throw new RefreshError(
            'invalid_stream',
            `Input of a tool call came before its start (block ${delta.blockIndex}).`,
          )
        }).json += delta.delta
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
    return [...this.#blocks].toSorted(([one], [other]) => one - other).map(([, block]) => finished(block))
  }

  /** The outcome so far: what an error delta said, else a success. */
  outcome({ model, id = '' }: AnswerIdentity): ChatOutcome {
    if (this.#error !== undefined) return failure(this.#error)
    const response = { id, model, content: this.content(), stopReason: this.#stopReason, usage: this.#usage }
    return { type: 'success', response }
  }

  #thinking(index: number): Extract<Block, { type: 'thinking' }> {
    return this.#block(index, 'thinking', () => ({ type: 'thinking', thinking: '', signature: undefined }))
  }

  #block<K extends Block['type']>(
    index: number,
    type: K,
    create: () => Extract<Block, { type: K }>,
  ): Extract<Block, { type: K }> {
    const known = this.#blocks.get(index)
    if (known !== undefined) {
      if (isOf(known, type)) return known
      throw new RefreshError(
        'invalid_stream',
        `Block ${index} began as ${known.type} and went on as ${type}.`,
      )
    }
    if (!Number.isSafeInteger(index) || index < 0) {
      throw new RefreshError(
        'invalid_stream',
        `A block's index must be a whole number from 0 on, not ${String(index)}.`,
      )
    }
    if (this.#blocks.size >= MOST_BLOCKS) {
      throw new RefreshError('invalid_stream', `The stream has more than ${MOST_BLOCKS} blocks.`)
    }
    const created = create()
    this.#blocks.set(index, created)
    return created
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

function isOf<K extends Block['type']>(block: Block, type: K): block is Extract<Block, { type: K }> {
  return block.type === type
}

function finished(block: Block): ContentBlock {
  switch (block.type) {
    case 'text':
    case 'redacted_thinking':
      return { ...block }
    case 'thinking': {
      const { type, thinking, signature } = block
      return { type, thinking, ...(signature !== undefined && { signature }) }
    }
    case 'tool_use': {
      const { type, id, name, json, thoughtSignature } = block
      return {
        type,
        id,
        name,
        input: parseInput(json),
        ...(thoughtSignature !== undefined && { thoughtSignature }),
      }
    }
  }
}

/** A call without input streams no text at all; text that is no JSON was cut off, and is given as it is. */
function parseInput(json: string): unknown {
  if (json.trim() === '') return {}
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}

function failure(error: StreamErrorDelta): ChatOutcome {
  const { kind, message, status, code, challenge, retryAfter } = error
  if (kind === 'rate_limited') return { type: 'rate_limited', retryAfter }
  return {
    type: kind === 'invalid_request' ? 'invalid_request' : 'server_error',
    message,
    status,
    code,
    challenge,
  }
}
