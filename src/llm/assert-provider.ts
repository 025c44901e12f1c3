import { RefreshError } from '../core/errors.ts'
import type { LlmProvider } from './provider.ts'

const METHODS = [
  'chat',
  'chatStream',
  'capabilities',
  'validateThinkingConfig',
  'defaultMaxTokens',
  'structuredOutputSupport',
] as const satisfies readonly (keyof LlmProvider)[]

/**
 * Says what a provider lacks, where the mistake is made and not where it first hurts.
 *
 * @param source what should have brought the provider, for the message
 * @throws RefreshError `invalid_provider`
 */
export function assertProvider(candidate: unknown, source: string): asserts candidate is LlmProvider {
  if (typeof candidate !== 'object' || candidate === null) {
    throw new RefreshError('invalid_provider', `${source} must be an LlmProvider, not ${kindOf(candidate)}.`)
  }
  const missing = METHODS.filter((name) => typeof Reflect.get(candidate, name) !== 'function')
  if (missing.length === 0) return
  const hint =
    'doGenerate' in candidate
      ? 'It looks like an AI SDK model: wrap it with languageModelProvider() of llm-refresh/ai-sdk.'
      : 'Extend BaseProvider, which has all of them but chat().'
  throw new RefreshError(
    'invalid_provider',
    `${source} must be an LlmProvider, but lacks ${missing.join(', ')}. ${hint}`,
  )
}

function kindOf(value: unknown): string {
  return value === null || value === undefined ? 'nothing' : `a ${typeof value}`
}
