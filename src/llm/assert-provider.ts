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

/** The optional methods of a provider. */
const OPTIONAL = ['embed', 'listModels', 'probe'] as const satisfies readonly (keyof LlmProvider)[]

/**
 * Checks a provider when the caller passes it in, so that the error appears where the mistake is.
 *
 * @param source the origin of the provider, for the message
 * @throws RefreshError `invalid_provider` that names the missing members
 */
export function assertProvider(candidate: unknown, source: string): asserts candidate is LlmProvider {
  const kindOf = (name: string): string => typeof Reflect.get(Object(candidate), name)
  const lacks = METHODS.filter((name) => kindOf(name) !== 'function')
  if (lacks.length > 0) throw lacking(source, lacks)
  const odd = OPTIONAL.filter((name) => !['function', 'undefined'].includes(kindOf(name)))
  if (odd.length > 0) {
    throw new RefreshError(
      'invalid_provider',
      `${source} has ${odd.join(', ')}, but not as a method: leave it out, or make it one.`,
    )
  }
}

/** The error for a provider that lacks a member that a call needs. */
export function lacking(source: string, methods: readonly (keyof LlmProvider)[]): RefreshError {
  return new RefreshError(
    'invalid_provider',
    `${source} lacks ${methods.join(', ')}: see BaseProvider, languageModelProvider().`,
  )
}
