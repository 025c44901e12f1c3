/** The AI SDK surface. It takes any model that an AI SDK provider package makes, and imports no package itself. */

import { assertRefresher, isRefresher, type Refresh, type Refresher } from '../../core/refresher.ts'
import { optionError } from '../../lib/options.ts'
import type { LlmProvider } from '../../llm/provider.ts'
import { readWrapper, type SharedWrapperOptions, type WrapperOptions } from '../shared/wrapper.ts'
import {
  assertEmbeddingModel,
  type AiSdkLanguageModel,
  type AiSdkModel,
  assertLanguageModel,
  assertModel,
  assertSameKind,
} from './model.ts'
import { assertOptions, type LanguageModelProviderOptions } from './provider/options.ts'
import { LanguageModelProvider } from './provider/provider.ts'
import { ModelCalls } from './refreshing-model/calls.ts'
import { facadeOf } from './refreshing-model/facade.ts'
import { ProviderFacade } from './refreshing-models/provider-facade.ts'
import { type NotPromise, shapeOf, type TokenLike } from './refreshing-models/shape.ts'

export type {
  AiSdkCallOptions,
  AiSdkEmbeddingModel,
  AiSdkEmbedOptions,
  AiSdkEmbedResult,
  AiSdkGenerateResult,
  AiSdkLanguageModel,
  AiSdkModel,
  AiSdkPart,
  AiSdkStreamResult,
  AiSdkVersion,
} from './model.ts'
export type { LanguageModelProviderOptions, ProviderOptions } from './provider/options.ts'
export type { SharedWrapperOptions, WrapperOptions } from '../shared/wrapper.ts'
export type { NotPromise, TokenLike } from './refreshing-models/shape.ts'
export type { Vendor } from './vendor.ts'
export type { ProviderWarning } from './provider/warnings.ts'

/**
 * An AI SDK language model (`LanguageModelV2`, `V3` or `V4`: AI SDK 5, 6 or 7) as an {@link LlmProvider}.
 *
 * Each request becomes one HTTP request: this provider retries nothing. If the vendor refuses a request, `chat` returns an outcome that
 * says so, and `chatStream` ends with an `error` delta. If the connection is lost, `chat` throws, and `chatStream` ends with an `error`
 * delta of kind `connection`. Both throw after an abort, for a missing API key, and for a request that cannot be sent.
 *
 * `maxTokens` limits everything that the model generates, thinking included. If it is absent, the vendor's default applies. Anthropic has
 * no default, so it gets `capabilities.maxOutputTokens`, or else the AI SDK's choice.
 *
 * If you give `embeddingModel`, the provider has `embed`, too.
 *
 * @throws RefreshError `invalid_provider` if the model is not an AI SDK language model; `invalid_option` if an option is not valid
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
  if (options.embeddingModel !== undefined) assertEmbeddingModel(options.embeddingModel)
  return new LanguageModelProvider(model, options)
}

/** Options of {@link refreshingModels}, and of a {@link refreshingModel} over a refresher. */
export type SharedModelOptions = SharedWrapperOptions

/** Options of {@link refreshingModel}. If the model makes its own cell, the cell's options belong to them. */
export type RefreshingModelOptions<M> = WrapperOptions<M>

/**
 * An AI SDK provider that does not go stale. `build` may return `createOpenAI()`, a registry, a `customProvider()`, or an object of your
 * own that holds models. Every model that the provider returns, of any kind, is a {@link refreshingModel}. All of them share the
 * credential: one refresh serves them all.
 *
 * The provider is ready at once. It calls `build` once with the token `'llm-refresh-placeholder'`, to see which members the provider has;
 * it never sends this token. Then it calls `build` once for each token. It reads properties from the first build, and makes calls on the
 * provider that was built with the current token. A call that needs a token waits for the first one.
 *
 * The retry also covers the functions of other objects that the provider returns, such as `files()`, and functions whose names begin with
 * `get`, `list`, `upload`, `delete`, `download`, `retrieve`, `fetch` or `cancel`. `tools` are returned unchanged.
 *
 * @param build returns the provider at once. If it needs a real token, or has to wait, use {@link refreshingModel} over `credential.map(…)`
 * @throws RefreshError `invalid_option`; `invalid_provider` if `build` fails on the placeholder, returns a promise, or returns no provider
 * @example
 * const openai = refreshingModels(credential, ({ accessToken }) => createOpenAI({ apiKey: accessToken }))
 * const { text } = await generateText({ model: openai('gpt-5'), prompt: 'Why is the sky blue?' })
 */
export function refreshingModels<T extends TokenLike, P extends object>(
  credential: Refresher<T>,
  build: (token: TokenLike extends T ? T : TokenLike) => P & NotPromise,
  options?: SharedModelOptions,
): P
export function refreshingModels(
  credential: Refresher<TokenLike>,
  build: (token: TokenLike) => object,
  options: SharedModelOptions = {},
): object {
  const refresher = assertRefresher(credential)
  const shape = shapeOf(build)
  const providers = refresher.map(build)
  const accept = (): void => undefined
  return new ProviderFacade(readWrapper(shape, providers, options, accept)).of(shape)
}

/**
 * An AI SDK model that does not go stale. It takes a model of any kind and version: language, embedding, image, speech, transcription,
 * reranking, and any other that has `do…` methods. It returns a model of the same type, for `generateText` and the AI SDK's other
 * functions.
 *
 * If the server rejects the credential of a call, the model calls `refresh` to rebuild itself, once for all callers, and makes the call
 * once more. The caller gets a stream as soon as the model opens it, part by part, as without this library. If the server rejects the
 * stream before its first content, the model opens it again, and no part that the caller already has begins twice. If there is no fresh
 * model, the caller gets the rejection unchanged, and `onEvent` receives the reason. A call that takes a stream as its input is made again
 * only if the model has not begun to read that stream; its rejection always causes the refresh.
 *
 * @param refresh builds the model with a fresh credential; or a refresher that builds it, to share one
 * @throws RefreshError `invalid_provider` if the model is not an AI SDK model; `invalid_option`
 * @example
 * const build = async () => createOpenAI({ apiKey: await freshToken() })('gpt-5')
 * const model = refreshingModel(await build(), build)
 * const { text } = await generateText({ model, prompt: 'Why is the sky blue?' })
 */
export function refreshingModel<M extends AiSdkModel>(
  model: M,
  refresh: Refresh<M> | Refresher<M>,
  options?: RefreshingModelOptions<M>,
): M
/**
 * The same over a refresher of models, such as a mapped credential. It waits for the first model. Models that are mapped from one
 * credential share its refreshes. {@link refreshingModels} does the same for a whole provider, without a wait.
 *
 * @throws RefreshError `invalid_provider`, `invalid_option`, or the first refresh's failure
 * @example
 * const model = await refreshingModel(token.map(({ accessToken }) => createOpenAI({ apiKey: accessToken })('gpt-5')))
 */
export function refreshingModel<M extends AiSdkModel>(
  refresher: Refresher<M>,
  options?: SharedModelOptions,
): Promise<M>
export function refreshingModel<M extends AiSdkModel>(
  first: M | Refresher<M>,
  second?: Refresh<M> | Refresher<M> | SharedModelOptions,
  options?: RefreshingModelOptions<M>,
): M | Promise<M> {
  const isRefresh = typeof second === 'function' || isRefresher<M>(second)
  if (isRefresher<M>(first)) {
    if (isRefresh) return Promise.reject(optionError('options', 'must be an object'))
    return sharedModel(first, second)
  }
  assertModel(first)
  if (!isRefresh) {
    throw optionError('refresh', 'must be a function that builds the next model, or a refresher of models')
  }
  return wrappedModel(first, second, options)
}

async function sharedModel<M extends AiSdkModel>(
  refresher: Refresher<M>,
  options?: SharedModelOptions,
): Promise<M> {
  const { value } = await refresher.snapshot()
  assertModel(value)
  return wrappedModel(value, refresher, options)
}

function wrappedModel<M extends AiSdkModel>(
  model: M,
  refresh: Refresh<M> | Refresher<M>,
  options: RefreshingModelOptions<M> = {},
): M {
  const check = (fresh: M): void => assertSameKind(fresh, model)
  const calls = new ModelCalls(readWrapper(model, refresh, options, check))
  let checked = model
  return facadeOf(model, (name, given) =>
    calls.call(name, given, async (inForce) => {
      if (inForce !== checked) {
        check(inForce)
        checked = inForce
      }
      const method: unknown = Reflect.get(inForce, name)
      const result: unknown = typeof method === 'function' ? Reflect.apply(method, inForce, given) : undefined
      return result
    }),
  )
}
