import { eventStream, json, type Reply } from './reply.ts'

/** The model's response, and the facts of its request. */
export interface Said {
  readonly text: string
  readonly model: string
  readonly isStream: boolean
  /** A number that no other response has, for ids. */
  readonly number: number
  /** epoch s */
  readonly created: number
}

/** The chunks of a stream: each is a word with the space before it. */
function chunksOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/gu) ?? [text]
}

const data = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`
const named = (event: { readonly type: string; readonly sequence_number?: number }): string =>
  `event: ${event.type}\n${data(event)}`
const tokensOf = (text: string): number => chunksOf(text).length

/** OpenAI's chat completions, whole or as a stream. */
export function chatCompletion(said: Said, hasUsage: boolean): Reply {
  const { text, model, number, created } = said
  const common = { id: `chatcmpl-test-${number}`, created, model }
  const usage = {
    prompt_tokens: 1,
    completion_tokens: tokensOf(text),
    total_tokens: 1 + tokensOf(text),
  }
  if (!said.isStream) {
    const message = { role: 'assistant', content: text, refusal: null }
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }]
    return json(200, { ...common, object: 'chat.completion', choices, usage })
  }
  const chunk = (delta: unknown, finish_reason: string | null): string =>
    data({
      ...common,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    })
  return eventStream([
    chunk({ role: 'assistant', content: '' }, null),
    ...chunksOf(text).map((content) => chunk({ content }, null)),
    chunk({}, 'stop'),
    ...(hasUsage ? [data({ ...common, object: 'chat.completion.chunk', choices: [], usage })] : []),
    'data: [DONE]\n\n',
  ])
}

/** Anthropic's messages, whole or as a stream. */
export function anthropicMessage(said: Said): Reply {
  const { text, model, number } = said
  const common = { id: `msg_test_${number}`, type: 'message', role: 'assistant', model }
  const output_tokens = tokensOf(text)
  if (!said.isStream) {
    const ended = { stop_reason: 'end_turn', stop_sequence: null }
    const usage = { input_tokens: 1, output_tokens }
    return json(200, { ...common, content: [{ type: 'text', text }], ...ended, usage })
  }
  const open = { stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } }
  const events = [
    { type: 'message_start', message: { ...common, content: [], ...open } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...chunksOf(text).map((chunk) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: chunk },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens },
    },
    { type: 'message_stop' },
  ]
  return eventStream(events.map(named))
}

/** OpenAI's responses, whole or as a stream. The AI SDK uses this API by default. */
export function openaiResponse(said: Said): Reply {
  const { text, model, number, created } = said
  const part = { type: 'output_text', text, annotations: [] }
  const item = (status: string, content: unknown[]): object => ({
    id: `item_test_${number}`,
    type: 'message',
    role: 'assistant',
    status,
    content,
  })
  const whole = (status: string, output: unknown[], usage: unknown): object => ({
    id: `resp_test_${number}`,
    object: 'response',
    created_at: created,
    model,
    status,
    error: null,
    incomplete_details: null,
    output,
    usage,
  })
  const output_tokens = tokensOf(text)
  const usage = {
    input_tokens: 1,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 1 + output_tokens,
  }
  const done = item('completed', [part])
  const completed = whole('completed', [done], usage)
  if (!said.isStream) return json(200, completed)
  const at = { item_id: `item_test_${number}`, output_index: 0, content_index: 0 }
  const events = [
    { type: 'response.created', response: whole('in_progress', [], null) },
    { type: 'response.output_item.added', output_index: 0, item: item('in_progress', []) },
    { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
    ...chunksOf(text).map((delta) => ({ type: 'response.output_text.delta', ...at, delta })),
    { type: 'response.output_text.done', ...at, text },
    { type: 'response.content_part.done', ...at, part },
    { type: 'response.output_item.done', output_index: 0, item: done },
    { type: 'response.completed', response: completed },
  ]
  return eventStream(events.map((event, sequence_number) => named({ ...event, sequence_number })))
}
