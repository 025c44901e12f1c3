/** The AI SDK surface: every model the AI SDK has a provider package for. It imports no package itself. */

import type { LlmProvider } from '../llm/provider.ts'
import { type AiSdkLanguageModel, assertLanguageModel } from './ai-sdk/model.ts'
import { assertOptions, type LanguageModelProviderOptions } from './ai-sdk/options.ts'
import { LanguageModelProvider } from './ai-sdk/provider.ts'

export type {
  AiSdkCallOptions,
  AiSdkGenerateResult,
  AiSdkLanguageModel,
  AiSdkPart,
  AiSdkStreamResult,
  AiSdkVersion,
} from './ai-sdk/model.ts'
export type { LanguageModelProviderOptions, ProviderOptions } from './ai-sdk/options.ts'
export type { Vendor } from './ai-sdk/vendor.ts'
export type { ProviderWarning } from './ai-sdk/warnings.ts'

/**
 * An AI SDK language model (`LanguageModelV2`, `V3` or `V4`: AI SDK 5, 6 or 7) as an {@link LlmProvider}.
 *
 * A request becomes one HTTP request: nothing is retried here. What the vendor refuses is an outcome of
 * `chat`, or an `error` delta of `chatStream`. A lost connection is thrown by `chat`, and is an `error` delta
 * of kind `connection` in a stream. An abort, a missing API key and a request that cannot be sent are thrown.
 *
 * `maxTokens` limits everything that is generated, thinking included. When it is absent the vendor's default
 * applies; Anthropic, which has none, gets `capabilities.maxOutputTokens`, or else the AI SDK's choice.
 *
 * @throws RefreshError `invalid_provider` when the model is none, `invalid_option` for an option that cannot be
 *
 * @example
 * const provider = languageModelProvider(createAnthropic({ authToken })('claude-sonnet-4-5'))
 * const outcome = await provider.chat({ system: '', messages: [{ role: 'user', content: 'Hello' }] })
 */
export function languageModelProvider(
  model: AiSdkLanguageModel,
  options: LanguageModelProviderOptions = {},
): LlmProvider {
  assertLanguageModel(model)
  assertOptions(options)
  return new LanguageModelProvider(model, options)
}
