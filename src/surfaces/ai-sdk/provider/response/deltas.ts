import type {
  LanguageModelV2StreamPart,
  LanguageModelV3StreamPart,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import type { ResponseInfo, StreamDelta } from '../../../../llm/response.ts'
import {
  type Metadata,
  readReasoningMark,
  readThoughtSignature,
  carriedSignature,
  opaqueBlock,
} from '../../signature.ts'
import type { Report } from '../warnings.ts'
import { reportPart, toStopReason } from './answer.ts'
import { untold, wholeBlock } from './carried.ts'
import { brokenOff } from './failure.ts'
import { note, type OpenBlock, OpenBlocks } from './open-blocks.ts'
import { aboutResponse } from './response-info.ts'
import { readSdkWarning } from './sdk-warning.ts'
import { isCounted, toUsage } from './usage.ts'

/** Any part of an AI SDK stream except `error`. */
export type StreamPart = Exclude<
  LanguageModelV2StreamPart | LanguageModelV3StreamPart | LanguageModelV4StreamPart,
  { type: 'error' }
>
type FinishPart = Extract<StreamPart, { type: 'finish' }>
type ToolCallPart = Extract<StreamPart, { type: 'tool-call' }>

/** Converts the parts of one AI SDK stream into deltas. Reports a part that no delta can carry. */
export class DeltaReader {
  readonly #provider: string
  readonly #report: Report
  readonly #blocks = new OpenBlocks()
  #callsTools = false

  /** @param provider the AI SDK's name for the vendor */
  constructor(provider: string, report: Report) {
    this.#provider = provider
    this.#report = report
  }

  /** The deltas that describe the response before its stream begins. */
  opened(result: object): StreamDelta[] {
    return about(aboutResponse(Reflect.get(result, 'response')))
  }

  /** The deltas for one part. Those for `finish` end with a `done` or an `error`. */
  read(part: StreamPart): StreamDelta[] {
    switch (part.type) {
      case 'stream-start':
        for (const warning of part.warnings) this.#report(readSdkWarning(warning))
        return []
      case 'text-start':
        this.#blocks.start('text', part.id, part.providerMetadata)
        return []
      case 'text-delta': {
        const block = this.#blocks.resume('text', part.id, part.providerMetadata)
        if (part.delta === '') return []
        return [{ type: 'text_delta', delta: part.delta, blockIndex: this.#blocks.indexOf(block) }]
      }
      case 'reasoning-start':
        return this.#redacted(this.#blocks.start('reasoning', part.id, part.providerMetadata))
      case 'reasoning-delta': {
        const block = this.#blocks.resume('reasoning', part.id, part.providerMetadata)
        if (part.delta === '') return []
        return [{ type: 'thinking_delta', delta: part.delta, blockIndex: this.#blocks.indexOf(block) }]
      }
      case 'text-end':
        return this.#end('text', part.id, part.providerMetadata)
      case 'reasoning-end':
        return this.#end('reasoning', part.id, part.providerMetadata)
      case 'tool-input-start':
        if (part.providerExecuted === true) return []
        return this.#toolStart(part.id, part.toolName, part.providerMetadata)
      case 'tool-input-delta': {
        const block = this.#blocks.find('tool', part.id)
        if (block === undefined || part.delta === '') return []
        block.hasInput = true
        return [
          {
            type: 'tool_input_delta',
            id: part.id,
            delta: part.delta,
            blockIndex: this.#blocks.indexOf(block),
          },
        ]
      }
      case 'tool-call':
        return this.#toolCall(part)
      case 'finish':
        return this.#finish(part)
      case 'custom':
        // The head of Anthropic's message repeats what other parts say, so do not report it.
        if (part.kind !== 'anthropic.message_start') reportPart(this.#report, `${part.type} ${part.kind}`)
        return []
      case 'file':
      case 'reasoning-file':
        reportPart(this.#report, part.type)
        return []
      case 'tool-result':
        // Skip a preliminary result: the final result replaces it.
        if ('preliminary' in part && part.preliminary) return []
        return this.#whole(part)
      case 'source':
      case 'tool-approval-request':
        return this.#whole(part)
      case 'response-metadata':
        return about(aboutResponse(part))
      case 'tool-input-end':
      case 'ping':
      case 'raw':
        return []
      default:
        part satisfies never
        reportPart(this.#report, 'of a kind that is not known')
        return []
    }
  }

  #redacted(block: OpenBlock): StreamDelta[] {
    const mark = readReasoningMark(block.metadata)
    if (mark === undefined || !('redacted' in mark)) return []
    const blockIndex = this.#blocks.indexOf(block)
    const opaque = opaqueBlock(mark)
    return [
      opaque ? { ...opaque, blockIndex } : { type: 'redacted_thinking', data: mark.redacted, blockIndex },
    ]
  }

  #end(kind: 'text' | 'reasoning', id: string, metadata: Metadata | undefined): StreamDelta[] {
    const block = this.#blocks.resume(kind, id, metadata)
    this.#blocks.end(kind, id)
    return [...this.#signed(block), ...this.#beside(block)]
  }

  /** The signature of a block. Any part of the block may hold it, so ask only when the block has ended. */
  #signed(block: OpenBlock): StreamDelta[] {
    if (block.kind === 'text') {
      const signature = readThoughtSignature(block.metadata)
      if (signature === undefined) return []
      return [
        { type: 'signature_delta', delta: carriedSignature(signature), blockIndex: this.#blocks.nextIndex() },
      ]
    }
    const mark = block.kind === 'reasoning' ? readReasoningMark(block.metadata) : undefined
    if (mark === undefined || 'redacted' in mark) return []
    const opaque = block.index === undefined ? opaqueBlock(mark) : undefined
    const blockIndex = this.#blocks.indexOf(block)
    return [
      opaque ? { ...opaque, blockIndex } : { type: 'signature_delta', delta: mark.signature, blockIndex },
    ]
  }

  #whole(part: Parameters<typeof wholeBlock>[0]): StreamDelta[] {
    const block = wholeBlock(part, this.#provider)
    return block === undefined ? [] : [{ type: 'block', block, blockIndex: this.#blocks.nextIndex() }]
  }

  /** The vendor's metadata of a block, if there is any. */
  #beside({ kind, metadata, index }: OpenBlock): StreamDelta[] {
    const { providerMetadata } = untold(kind, metadata)
    if (providerMetadata === undefined || index === undefined) return []
    return [{ type: 'block_metadata', providerMetadata, blockIndex: index }]
  }

  #toolStart(id: string, name: string, metadata: Metadata | undefined): StreamDelta[] {
    this.#callsTools = true
    const block = this.#blocks.start('tool', id, metadata)
    const thoughtSignature = readThoughtSignature(block.metadata)
    return [
      {
        type: 'tool_use_start',
        id,
        name,
        blockIndex: this.#blocks.indexOf(block),
        ...(thoughtSignature !== undefined && { thoughtSignature }),
      },
    ]
  }

  /** The deltas for a whole tool call. If the stream has already sent the input in pieces, the input is not repeated. */
  #toolCall(part: ToolCallPart): StreamDelta[] {
    if (part.providerExecuted === true) return this.#whole(part)
    const { toolCallId: id, toolName, input, providerMetadata } = part
    const known = this.#blocks.find('tool', id)
    const deltas = known === undefined ? this.#toolStart(id, toolName, providerMetadata) : []
    const block = this.#blocks.resume('tool', id, undefined)
    this.#blocks.end('tool', id)
    const blockIndex = this.#blocks.indexOf(block)
    if (!block.hasInput) {
      deltas.push({ type: 'tool_input_delta', id, delta: input.trim() === '' ? '{}' : input, blockIndex })
    }
    // @ai-sdk/openai-compatible sends the signature only after it has announced the call.
    const signature = readThoughtSignature(providerMetadata)
    if (signature !== undefined && readThoughtSignature(block.metadata) === undefined) {
      deltas.push({
        type: 'signature_delta',
        delta: carriedSignature(signature, id),
        blockIndex: this.#blocks.nextIndex(),
      })
    }
    note(block, providerMetadata)
    deltas.push(...this.#beside(block))
    return deltas
  }

  #finish(part: FinishPart): StreamDelta[] {
    const deltas = this.#blocks.endAll().flatMap((block) => [...this.#signed(block), ...this.#beside(block)])
    deltas.push(...about(aboutResponse(undefined, part)))
    const end = ending(part, this.#callsTools)
    // A stream that broke off reports usage only if it counted tokens. A finished stream always reports usage, even if all counts are 0.
    if (end.type === 'done' || isCounted(part.usage)) {
      deltas.push({ type: 'usage', usage: toUsage(part.usage, part.providerMetadata) })
    }
    deltas.push(end)
    return deltas
  }
}

function ending(part: FinishPart, callsTools: boolean): StreamDelta {
  if (isBrokenOff(part)) return brokenOff()
  const { finishReason, providerMetadata } = part
  const { unified, raw } =
    typeof finishReason === 'string' ? { unified: finishReason, raw: undefined } : finishReason
  if (unified === 'error' && (raw === undefined || raw === 'error')) {
    return { type: 'error', kind: 'server_error', message: 'The vendor gave up on its answer.' }
  }
  return { type: 'done', stopReason: toStopReason(finishReason, providerMetadata, callsTools) }
}

function about(info: ResponseInfo): StreamDelta[] {
  return Object.keys(info).length === 0 ? [] : [{ type: 'response', ...info }]
}

/** True if the stream broke off. Before v4 such a stream also sends `finish`, but the vendor gave no reason and counted no tokens. */
function isBrokenOff({ finishReason, usage }: FinishPart): boolean {
  if (typeof finishReason === 'string') return finishReason === 'unknown' && !isCounted(usage)
  const { unified, raw } = finishReason
  return unified === 'interrupted' || (unified === 'other' && raw === undefined && !isCounted(usage))
}
