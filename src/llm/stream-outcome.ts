import type { ContentBlock } from './content.ts'
import type { ChatOutcome, StreamDelta } from './response.ts'

/** The deltas for a finished outcome. */
export function* streamOutcome(outcome: ChatOutcome): Generator<StreamDelta, void, undefined> {
  switch (outcome.type) {
    case 'success': {
      const { content, usage, stopReason, ...info } = outcome.response
      yield { type: 'response', ...info }
      for (const [blockIndex, block] of content.entries()) yield* streamBlock(block, blockIndex)
      yield { type: 'usage', usage }
      yield { type: 'done', stopReason }
      return
    }
    case 'rate_limited': {
      const { type: kind, retryAfterMs } = outcome
      yield { type: 'error', kind, message: 'rate limited', status: 429, retryAfterMs }
      return
    }
    case 'invalid_request':
    case 'server_error': {
      const { type: kind, ...facts } = outcome
      yield { type: 'error', kind, ...facts }
      return
    }
    default:
      outcome satisfies never
  }
}

function* streamBlock(block: ContentBlock, blockIndex: number): Generator<StreamDelta, void, undefined> {
  yield* streamContent(block, blockIndex)
  if (block.type !== 'text' && block.type !== 'thinking' && block.type !== 'tool_use') return
  const { providerMetadata } = block
  if (providerMetadata !== undefined) yield { type: 'block_metadata', providerMetadata, blockIndex }
}

function* streamContent(block: ContentBlock, blockIndex: number): Generator<StreamDelta, void, undefined> {
  switch (block.type) {
    case 'text':
      yield { type: 'text_delta', delta: block.text, blockIndex }
      return
    case 'thinking':
      yield { type: 'thinking_delta', delta: block.thinking, blockIndex }
      if (block.signature !== undefined) {
        yield { type: 'signature_delta', delta: block.signature, blockIndex }
      }
      return
    case 'redacted_thinking':
      yield { type: 'redacted_thinking', data: block.data, blockIndex }
      return
    case 'opaque_reasoning':
      yield { ...block, blockIndex }
      return
    case 'tool_use': {
      const { id, name, thoughtSignature } = block
      yield { type: 'tool_use_start', id, name, blockIndex, thoughtSignature }
      yield { type: 'tool_input_delta', id, delta: JSON.stringify(block.input ?? {}), blockIndex }
      return
    }
    case 'source':
    case 'provider_tool_use':
    case 'provider_tool_result':
    case 'tool_approval_request':
      yield { type: 'block', block, blockIndex }
      return
    case 'tool_result':
    case 'tool_approval_response':
    case 'image':
    case 'document':
      // No delta carries these, because no model responds with them.
      return
    default:
      block satisfies never
  }
}
