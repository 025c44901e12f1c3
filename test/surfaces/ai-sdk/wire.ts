import { settled } from '../../support/settled.ts'

/** A wire protocol that AI SDK models speak. */
export type Wire = 'anthropic' | 'openai-chat' | 'openai-responses' | 'google'

/** One request, as it went out. */
export interface Sent {
  readonly url: string
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** A `fetch` that answers with `answer`, and what was sent through it. */
export function recorded(answer: () => Response | Promise<Response>): { fetch: typeof fetch; sent: Sent[] } {
  const sent: Sent[] = []
  return {
    sent,
    fetch: async (input, init) => {
      const request = new Request(input, init)
      sent.push({ url: request.url, headers: request.headers, body: await request.json() })
      return answer()
    },
  }
}

/** A 200, or any other answer, in JSON. */
export function json(body: unknown, init: ResponseInit = {}): Response {
  return Response.json(body, init)
}

/** A 200 that streams these events, and then ends as `ending` says. Default: as the protocol does. */
export function eventStream(wire: Wire, events: readonly unknown[], ending?: Error | 'cut'): Response {
  const lines = events.map((event) => {
    const named = wire === 'anthropic' || wire === 'openai-responses'
    const name = named && isTyped(event) ? `event: ${event.type}\n` : ''
    return `${name}data: ${JSON.stringify(event)}\n\n`
  })
  if (wire === 'openai-chat' && ending === undefined) lines.push('data: [DONE]\n\n')
  const chunks = lines.map((line) => new TextEncoder().encode(line))
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = chunks.shift()
      if (chunk !== undefined) controller.enqueue(chunk)
      else if (ending instanceof Error) {
        // It must not overtake what is still on its way through the streams of the provider.
        await settled()
        controller.error(ending)
      } else controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

function isTyped(event: unknown): event is { type: string } {
  return typeof event === 'object' && event !== null && 'type' in event
}

/** What Node's fetch throws when the other side goes away in the middle of a body. */
export function terminated(): TypeError {
  const cause = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
  return new TypeError('terminated', { cause })
}

/** One chunk of OpenAI's chat protocol. */
export function chatChunk(choices: readonly unknown[]): Record<string, unknown> {
  return { id: 'answer_1', object: 'chat.completion.chunk', created: 1, model: 'model-1', choices }
}

/** One chunk of Gemini's protocol. */
export function geminiChunk(parts: readonly unknown[], finishReason?: string): Record<string, unknown> {
  return {
    responseId: 'answer_1',
    modelVersion: 'model-1',
    candidates: [{ index: 0, content: { role: 'model', parts }, ...(finishReason && { finishReason }) }],
  }
}
