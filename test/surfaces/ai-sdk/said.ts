/** What the vendors send over the wire, as they document it, by hand: small, and with every kind of block. */

import { chatChunk, geminiChunk, type Wire } from './wire.ts'

const GEMINI_USAGE = {
  promptTokenCount: 100,
  cachedContentTokenCount: 40,
  candidatesTokenCount: 20,
  thoughtsTokenCount: 10,
  totalTokenCount: 130,
}
const CHAT_USAGE = {
  prompt_tokens: 100,
  completion_tokens: 30,
  total_tokens: 130,
  prompt_tokens_details: { cached_tokens: 40 },
  completion_tokens_details: { reasoning_tokens: 10 },
}
const RESPONSES_USAGE = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 40 },
  output_tokens: 30,
  output_tokens_details: { reasoning_tokens: 10 },
  total_tokens: 130,
}
const REASONING_ITEM = {
  type: 'reasoning',
  id: 'rs_1',
  summary: [{ type: 'summary_text', text: 'Weather? Ask.' }],
  encrypted_content: 'ZW5jcnlwdGVk',
}
const MESSAGE_ITEM = {
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'One moment.', annotations: [] }],
}
const CALL_ITEM = {
  type: 'function_call',
  id: 'fc_1',
  call_id: 'call_1',
  name: 'weather',
  arguments: '{"city":"Oslo"}',
  status: 'completed',
}

/**
 * The same answer in every protocol: reasoning where it has any, a text, and a call of the tool `weather`.
 * 100 tokens in, of which 40 came from a cache (and at Anthropic 20 went to one), and 30 out.
 */
export const UNARY: Readonly<Record<Wire, unknown>> = {
  anthropic: {
    type: 'message',
    id: 'answer_1',
    role: 'assistant',
    model: 'model-1',
    content: [
      { type: 'thinking', thinking: 'Weather? Ask.', signature: 'c2lnbmVk' },
      { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' },
      { type: 'text', text: 'One moment.' },
      { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } },
    ],
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: {
      input_tokens: 40,
      cache_read_input_tokens: 40,
      cache_creation_input_tokens: 20,
      output_tokens: 30,
    },
  },
  'openai-chat': {
    id: 'answer_1',
    object: 'chat.completion',
    created: 1,
    model: 'model-1',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'One moment.',
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
          ],
        },
        finish_reason: 'tool_calls',
      },
    ],
    usage: CHAT_USAGE,
  },
  'openai-responses': {
    id: 'answer_1',
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'model-1',
    output: [REASONING_ITEM, MESSAGE_ITEM, CALL_ITEM],
    incomplete_details: null,
    error: null,
    usage: RESPONSES_USAGE,
  },
  google: {
    responseId: 'answer_1',
    modelVersion: 'model-1',
    candidates: [
      {
        index: 0,
        content: {
          role: 'model',
          parts: [
            { text: 'Weather? Ask.', thought: true },
            { text: 'One moment.' },
            {
              functionCall: { id: 'call_1', name: 'weather', args: { city: 'Oslo' } },
              thoughtSignature: 'dGhvdWdodA==',
            },
          ],
        },
        finishReason: 'STOP',
      },
    ],
    usageMetadata: GEMINI_USAGE,
  },
}

/** The answer of {@link UNARY}, event by event. */
export const STREAMED: Readonly<Record<Wire, readonly unknown[]>> = {
  anthropic: [
    {
      type: 'message_start',
      message: {
        type: 'message',
        id: 'answer_1',
        role: 'assistant',
        model: 'model-1',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: {
          input_tokens: 40,
          cache_read_input_tokens: 40,
          cache_creation_input_tokens: 20,
          output_tokens: 1,
        },
      },
    },
    { type: 'ping' },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'thinking', thinking: '', signature: '' },
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Weather? ' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Ask.' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2lnbmVk' } },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' },
    },
    { type: 'content_block_stop', index: 1 },
    { type: 'content_block_start', index: 2, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'text_delta', text: 'One ' } },
    { type: 'content_block_delta', index: 2, delta: { type: 'text_delta', text: 'moment.' } },
    { type: 'content_block_stop', index: 2 },
    {
      type: 'content_block_start',
      index: 3,
      content_block: { type: 'tool_use', id: 'call_1', name: 'weather', input: {} },
    },
    { type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: '{"city":' } },
    { type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: '"Oslo"}' } },
    { type: 'content_block_stop', index: 3 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { output_tokens: 30 },
    },
    { type: 'message_stop' },
  ],
  'openai-chat': [
    ...[
      { delta: { role: 'assistant', content: '' } },
      { delta: { content: 'One ' } },
      { delta: { content: 'moment.' } },
      {
        delta: {
          tool_calls: [
            { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } },
          ],
        },
      },
      { delta: { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] } },
      { delta: { tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] } },
      { delta: {}, finish_reason: 'tool_calls' },
    ].map((choice) => chatChunk([{ index: 0, finish_reason: null, ...choice }])),
    { ...chatChunk([]), usage: CHAT_USAGE },
  ],
  'openai-responses': [
    { type: 'response.created', response: { id: 'answer_1', created_at: 1, model: 'model-1' } },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: null },
    },
    {
      type: 'response.reasoning_summary_part.added',
      item_id: 'rs_1',
      output_index: 0,
      summary_index: 0,
      part: { type: 'summary_text', text: '' },
    },
    ...['Weather? ', 'Ask.'].map((delta) => ({
      type: 'response.reasoning_summary_text.delta',
      item_id: 'rs_1',
      output_index: 0,
      summary_index: 0,
      delta,
    })),
    {
      type: 'response.reasoning_summary_part.done',
      item_id: 'rs_1',
      output_index: 0,
      summary_index: 0,
      part: { type: 'summary_text', text: 'Weather? Ask.' },
    },
    { type: 'response.output_item.done', output_index: 0, item: REASONING_ITEM },
    {
      type: 'response.output_item.added',
      output_index: 1,
      item: { ...MESSAGE_ITEM, status: 'in_progress', content: [] },
    },
    ...['One ', 'moment.'].map((delta) => ({
      type: 'response.output_text.delta',
      item_id: 'msg_1',
      output_index: 1,
      content_index: 0,
      delta,
    })),
    { type: 'response.output_item.done', output_index: 1, item: MESSAGE_ITEM },
    {
      type: 'response.output_item.added',
      output_index: 2,
      item: { ...CALL_ITEM, status: 'in_progress', arguments: '' },
    },
    ...['{"city":', '"Oslo"}'].map((delta) => ({
      type: 'response.function_call_arguments.delta',
      item_id: 'fc_1',
      output_index: 2,
      delta,
    })),
    { type: 'response.output_item.done', output_index: 2, item: CALL_ITEM },
    {
      type: 'response.completed',
      response: {
        id: 'answer_1',
        created_at: 1,
        model: 'model-1',
        incomplete_details: null,
        usage: RESPONSES_USAGE,
      },
    },
  ],
  google: [
    geminiChunk([{ text: 'Weather? ', thought: true }]),
    geminiChunk([{ text: 'Ask.', thought: true }]),
    geminiChunk([{ text: 'One ' }]),
    geminiChunk([{ text: 'moment.' }]),
    {
      ...geminiChunk(
        [
          {
            functionCall: { id: 'call_1', name: 'weather', args: { city: 'Oslo' } },
            thoughtSignature: 'dGhvdWdodA==',
          },
        ],
        'STOP',
      ),
      usageMetadata: GEMINI_USAGE,
    },
  ],
}
