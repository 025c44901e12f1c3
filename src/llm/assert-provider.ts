import { RefreshError } from '../errors.ts'
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
  const lacks = METHODS.filter((name) => typeof Reflect.get(Object(candidate), name) !== 'function')
  if (lacks.length > 0) {
    throw new RefreshError(
      'invalid_provider',
      `${source} lacks ${lacks.join(', ')}: see BaseProvider, languageModelProvider().`,
    )
  }
}
