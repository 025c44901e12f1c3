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

/** The most blocks that a response may have. No real response has so many, and memory can hold them. */
const MOST_BLOCKS = 4096

/** The facts about a response that a stream may lack. */
export interface ResponseIdentity {
  /** The model's id, for a stream that does not name the model. */
  model: string
  /**
   * The response's id.
   * @default the stream's, or else empty
   */
  id?: string | undefined
}

/** A block that is still growing. A tool call's input is JSON text until then. */
type Block =
  | Exclude<
      ContentBlock,
      { type: 'tool_result' | 'tool_approval_response' | 'image' | 'document' | 'tool_use' }
    >
  | (ToolUseBlock & { input: string })

/**
 * Builds a response from the deltas of a stream. It orders blocks by their index, in whatever order they arrive. An index is only a label,
 * so a hostile one costs no memory.
 */
export class StreamAccumulator {
  readonly #blocks = new Map<number, Block>()
  #usage: Usage = NO_USAGE
  #info: ResponseInfo = {}
  #stopReason: StopReason | undefined
  #error: StreamErrorDelta | undefined

  /** @throws RefreshError `invalid_stream` for deltas that contradict each other, or for more than 4096 blocks */
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

  /** The blocks so far, in order. If a tool call's input is cut off, and therefore no JSON, it stays text. */
  content(): ContentBlock[] {
    return [...this.#blocks]
      .toSorted(([one], [other]) => one - other)
      .map(([, block]) =>
        block.type === 'tool_use' ? { ...block, input: parseInput(block.input) } : { ...block },
      )
  }

  /** The outcome so far: the failure of an `error` delta, or else a success. */
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

  /** Begins a block that must not have begun before. */
  #begin(index: number, block: Block): void {
    if (this.#blocks.has(index)) throw invalid(index, 'begins twice')
    this.#block(index, block)
  }

  /** The block with this index. Adds `fresh` if there is none yet. */
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
 * Reads a stream to its end, and returns the outcome that `chat` would have returned.
 *
 * @throws RefreshError `invalid_stream`; any error of the stream
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

/** Parses a tool's input. A call without input streams no text at all. Text that was cut off is no JSON, and is returned unchanged. */
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
