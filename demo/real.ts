import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { languageModelProvider } from 'llm-refresh/ai-sdk'
import { RefreshingProvider } from 'llm-refresh/provider'
import type { ChatRequest, LlmProvider } from 'llm-refresh/provider'
import { findKey } from './key.ts'
import type { Key } from './key.ts'
import type { RealOptions } from './options.ts'
import { seconds } from './report.ts'
import { styled } from './styled.ts'

/**
 * One streamed chat with a real service. Where the service rejects the key, it is looked up again, in the
 * environment or by the key command, and the question is asked once more. Returns the exit code.
 * @throws UsageError when there is no key.
 */
export async function chatWithReal(options: RealOptions, out: NodeJS.WritableStream): Promise<number> {
  const seen = new Set<string>()
  async function provider(): Promise<LlmProvider> {
    const key = await findKey(options)
    seen.add(key.value)
    return languageModelProvider(realModel(options, key))
  }

  const first = await provider()
  let refreshes = 0
  const refreshing = new RefreshingProvider(first, () => {
    refreshes++
    return provider()
  })
  out.write(`${styled(options.model, 'bold')} of ${options.service} answers:\n\n`)
  const started = performance.now()
  try {
    const tokens = await showAnswer(refreshing, options.message, out)
    const key = refreshes === 0 ? 'the key was good at once' : 'the key was looked up again'
    out.write(`\n\n${tokens ?? 'some'} tokens in ${seconds(performance.now() - started)}; ${key}.\n`)
    return 0
  } catch (error) {
    const reason = masked(error instanceof Error ? error.message : String(error), seen)
    const key = refreshes === 0 ? '' : ' The key was looked up again before that.'
    out.write(`${styled(`The chat failed: ${reason}`, 'red')}${key}\n`)
    return 1
  }
}

/** Writes the answer as it streams. Returns the number of tokens it cost, if the service told. */
async function showAnswer(
  provider: LlmProvider,
  message: string,
  out: NodeJS.WritableStream,
): Promise<number | undefined> {
  let tokens: number | undefined
  const request: ChatRequest = {
    system: '',
    messages: [{ role: 'user', content: message }],
    maxTokens: 2000,
  }
  for await (const delta of provider.chatStream(request)) {
    if (delta.type === 'text_delta') out.write(delta.delta)
    if (delta.type === 'usage') tokens = delta.usage.outputTokens
    if (delta.type === 'error') throw new Error(delta.message)
  }
  return tokens
}

function realModel({ service, model, baseUrl }: RealOptions, key: Key): LanguageModelV4 {
  const baseURL = baseUrl === undefined ? {} : { baseURL: baseUrl }
  switch (service) {
    case 'anthropic':
      return createAnthropic(
        key.kind === 'api_key'
          ? { ...baseURL, apiKey: key.value }
          : // Anthropic takes the token of a login only with this header.
            { ...baseURL, authToken: key.value, headers: { 'anthropic-beta': 'oauth-2025-04-20' } },
      )(model)
    case 'openai':
      return createOpenAI({ ...baseURL, apiKey: key.value })(model)
    case 'google':
      return createGoogle({
        ...baseURL,
        apiKey: key.value,
        ...(key.kind === 'token' && {
          headers: { Authorization: `Bearer ${key.value}`, 'x-goog-api-key': undefined },
        }),
      })(model)
    case 'openai-compatible':
      return createOpenAICompatible({ name: service, baseURL: baseUrl ?? '', apiKey: key.value })(model)
  }
}

/** A service's own words may quote the key. */
function masked(text: string, secrets: Iterable<string>): string {
  for (const secret of secrets) text = text.replaceAll(secret, '***')
  return text
}
