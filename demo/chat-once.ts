import type { LlmProvider } from 'llm-refresh/provider'
import { requestOf } from './script.ts'
import type { Exchange } from './script.ts'

/** How a chat went. A reason names no secret: it is a service's or an authorization server's own words. */
export type ChatResult = { ok: true } | { ok: false; reason: string }

interface ChatOnceOptions {
  streaming: boolean
  signal: AbortSignal
  /** Hears the answer piece by piece, if it streams. */
  onPiece: ((piece: string) => void) | undefined
}

/** One chat. It counts as done if the answer arrived whole, with nothing lost and nothing said twice. */
export async function chatOnce(
  provider: LlmProvider,
  exchange: Exchange,
  { streaming, signal, onPiece }: ChatOnceOptions,
): Promise<ChatResult> {
  try {
    const text = streaming
      ? await streamedText(provider, exchange, signal, onPiece)
      : await wholeText(provider, exchange, signal)
    return text === exchange.answer ? { ok: true } : { ok: false, reason: 'the answer is not whole' }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

async function wholeText(provider: LlmProvider, exchange: Exchange, signal: AbortSignal): Promise<string> {
  const outcome = await provider.chat(requestOf(exchange), { signal })
  switch (outcome.type) {
    case 'success':
      return outcome.response.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    case 'rate_limited':
      throw new Error('rate limited')
    case 'invalid_request':
    case 'server_error':
      throw new Error(outcome.message)
  }
}

async function streamedText(
  provider: LlmProvider,
  exchange: Exchange,
  signal: AbortSignal,
  onPiece: ((piece: string) => void) | undefined,
): Promise<string> {
  let text = ''
  for await (const delta of provider.chatStream(requestOf(exchange), { signal })) {
    if (delta.type === 'error') throw new Error(delta.message)
    if (delta.type === 'text_delta') {
      text += delta.delta
      onPiece?.(delta.delta)
    }
  }
  return text
}
