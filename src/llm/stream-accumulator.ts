import { RefreshError } from '../errors.ts'
import type { ContentBlock, ThinkingBlock, ToolUseBlock } from './content.ts'
import type {
  ChatOutcome,
  ResponseInfo,
  StopReason,
  StreamDelta,
  StreamErrorDelta,
  Usage,
} from './response.ts'
import { NO_USAGE } from './usage.ts'

/** Most blocks a response may have: beyond any real one, and few enough to hold. */
const MOST_BLOCKS = 4096

/** The facts that a response has and its stream does not tell. */
export interface ResponseIdentity {
  /** The model's id, for a stream that does not name the model. */
  model: string
  /** The response's id. Default: the stream's, else empty. */
  id?: string | undefined
}

/** A block while it grows: a tool call's input is still JSON text. */
type Block =
  | Exclude<
      ContentBlock,
      { type: 'tool_result' | 'tool_approval_response' | 'image' | 'document' | 'tool_use' }
    >
  | (ToolUseBlock & { input: string })

/**
 * Puts a stream's deltas together again. Blocks are ordered by their index, whatever order they came in; an index is
 * only a label, so that a hostile one costs no memory.
 */
export class StreamAccumulator {
  readonly #blocks = new Map<number, Block>()
  #usage: Usage = NO_USAGE
  #info: ResponseInfo = {}
  #stopReason: StopReason | undefined
  #error: StreamErrorDelta | undefined

  /** @throws RefreshError `invalid_stream` for deltas that contradict each other, or more than 4096 blocks */
  add(delta: StreamDelta): void {
    switch (delta.type) {
      case 'text_delta':
        this.#block(delta.blockIndex, { type: 'text', text: '' }).text += delta.delta
        return
      case 'thinking_delta':
        this.#block(delta.blockIndex, { type: 'thinking', thinking: '' }).thinking += delta.delta
        return
      case 'signature_delta': {
        const block = this.#block<ThinkingBlock>(delta.blockIndex, { type: 'thinking', thinking: '' })
        block.signature = (block.signature ?? '') + delta.delta
        return
      }
      case 'redacted_thinking':
        this.#block(delta.blockIndex, { type: 'redacted_thinking', data: '' }).data += delta.data
        return
      case 'opaque_reasoning': {
        const { blockIndex, ...block } = delta
        this.#begin(blockIndex, block)
        return
      }
      case 'tool_use_start': {
        const { id, name, thoughtSignature, blockIndex } = delta
        this.#begin(blockIndex, { type: 'tool_use', id, name, input: '', thoughtSignature })
        return
      }
      case 'tool_input_delta': {
        const block = this.#blocks.get(delta.blockIndex)
        if (block?.type !== 'tool_use' || block.id !== delta.id) {
          throw invalid(delta.blockIndex, 'has input without its tool call')
        }
        block.input += delta.delta
        return
      }
      case 'block':
        this.#begin(delta.blockIndex, delta.block)
        return
      case 'block_metadata': {
        const block = this.#blocks.get(delta.blockIndex)
        if (block?.type !== 'text' && block?.type !== 'thinking' && block?.type !== 'tool_use') {
          throw invalid(delta.blockIndex, 'has metadata without its content')
        }
        block.providerMetadata = { ...block.providerMetadata, ...delta.providerMetadata }
        return
      }
      case 'response': {
        const { type: _, ...info } = delta
        const told = Object.entries(info).filter(([, value]) => value !== undefined)
        this.#info = { ...this.#info, ...Object.fromEntries(told) }
        return
      }
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
    return [...this.#blocks]
      .toSorted(([one], [other]) => one - other)
      .map(([, block]) =>
        block.type === 'tool_use' ? { ...block, input: parseInput(block.input) } : { ...block },
      )
  }

  /** The outcome so far: an error delta's, else a success. */
  outcome({ model, id }: ResponseIdentity): ChatOutcome {
    if (this.#error !== undefined) return failure(this.#error)
    const response = {
      ...this.#info,
      id: id ?? this.#info.id ?? '',
      model: this.#info.model ?? model,
      content: this.content(),
      stopReason: this.#stopReason,
      usage: this.#usage,
    }
    return { type: 'success', response }
  }

  /** A block that comes whole, or whose beginning comes in a delta of its own. */
  #begin(index: number, block: Block): void {
    if (this.#blocks.has(index)) throw invalid(index, 'begins twice')
    this.#block(index, block)
  }

  /** The block with this index, which is the fresh one where there is none yet. */
  #block<B extends Block>(index: number, fresh: B): B {
    const known = this.#blocks.get(index)
    if (known !== undefined) {
      if (isLike(known, fresh)) return known
      throw invalid(index, `went on as ${fresh.type}, not ${known.type}`)
    }
    const isIndex = Number.isSafeInteger(index) && index >= 0
    if (!isIndex || this.#blocks.size >= MOST_BLOCKS) throw invalid(index, 'cannot be')
    this.#blocks.set(index, fresh)
    return fresh
  }
}

/**
 * Reads a stream to its end and gives the outcome that `chat` would have given.
 *
 * @throws RefreshError `invalid_stream`, and the stream's errors
 * @example
 * const outcome = await collectStream(provider.chatStream(request), { model: provider.model })
 */
export async function collectStream(
  stream: AsyncIterable<StreamDelta>,
  identity: ResponseIdentity,
): Promise<ChatOutcome> {
  const accumulator = new StreamAccumulator()
  for await (const delta of stream) accumulator.add(delta)
  return accumulator.outcome(identity)
}

function invalid(index: number, problem: string): RefreshError {
  return new RefreshError(
    'invalid_stream',
    `Block ${String(index)} ${problem}: mend the provider that streams it.`,
  )
}

function isLike<B extends Block>(block: Block, example: B): block is B {
  return block.type === example.type
}

/** A call without input streams no text at all; text that is no JSON was cut off, and is given as it is. */
function parseInput(json: string): unknown {
  try {
    return json.trim() === '' ? {} : JSON.parse(json)
  } catch {
    return json
  }
}

function failure({ kind, message, status, code, challenge, retryAfterMs }: StreamErrorDelta): ChatOutcome {
  if (kind === 'rate_limited') return { type: 'rate_limited', retryAfterMs }
  return { type: kind === 'invalid_request' ? kind : 'server_error', message, status, code, challenge }
}
