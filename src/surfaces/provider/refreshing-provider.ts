import { assertRefresher, type Refresh, type Refresher } from '../../core/refresher.ts'
import { retryOnce, type RetryPolicy } from '../../core/retry-once.ts'
import type { CommonPolicy } from '../../core/retry-policy.ts'
import { retryStreamOnce, type StreamPolicy } from '../../core/retry-stream-once.ts'
import { verdict } from '../../core/verdict/unauthorized.ts'
import { assertProvider, lacking } from '../../llm/assert-provider.ts'
import type { ModelCapabilities, ModelInfo, StructuredOutputSupport } from '../../llm/capabilities.ts'
import type { EmbedOutcome, EmbedRequest } from '../../llm/embedding.ts'
import type { LlmProvider } from '../../llm/provider.ts'
import type { CallOptions, ChatRequest, ThinkingConfig } from '../../llm/request.ts'
import type { ChatOutcome, StreamDelta, Usage } from '../../llm/response.ts'
import { withSpent } from '../../llm/usage.ts'
import { readWrapper, type SharedWrapperOptions, type WrapperOptions } from '../shared/wrapper.ts'

/** The options of a {@link RefreshingProvider} over a refresher, and the common ones of both forms. */
export type SharedProviderOptions = SharedWrapperOptions

/** Options of a {@link RefreshingProvider}. If it makes its own cell, the cell's options belong to them. */
export type RefreshingProviderOptions = WrapperOptions<LlmProvider>

/**
 * A provider that does not go stale. If the wrapped provider reports that the server rejected its credential, this one calls `refresh` to
 * rebuild it, once for all callers, and makes the request once more. It opens a stream again only before the first content, so that no
 * output comes twice.
 *
 * `embed` and `listModels` are retried in the same way. `probe` is made once, and never causes a refresh. Each of the three exists only if
 * the wrapped provider has it.
 *
 * If there is no fresh provider, the caller gets the rejection unchanged, and `onEvent` receives the reason.
 *
 * @example
 * const provider = new RefreshingProvider(build(await login()), async () => build(await login()))
 * const outcome = await provider.chat({ system: '', messages: [{ role: 'user', content: 'Hello' }] })
 */
export class RefreshingProvider implements LlmProvider {
  readonly provider: string
  readonly model: string
  readonly configuredThinking: ThinkingConfig | undefined
  declare readonly embed?: (request: EmbedRequest, options?: CallOptions) => Promise<EmbedOutcome>
  declare readonly listModels?: (options?: CallOptions) => Promise<ModelInfo[]>
  declare readonly probe?: (options?: CallOptions) => Promise<void>
  readonly #refresher: Refresher<LlmProvider>
  /** The first provider. It serves the methods that depend on no credential. */
  readonly #template: LlmProvider
  readonly #policy: RetryPolicy<ChatOutcome>
  readonly #streamPolicy: StreamPolicy<StreamDelta>
  #checked: LlmProvider

  /**
   * @param inner the provider to start with
   * @param refresh rebuilds the provider with a fresh credential; or a refresher that builds it, to share one
   * @throws RefreshError `invalid_provider`, `invalid_option`
   */
  constructor(
    inner: LlmProvider,
    refresh: Refresh<LlmProvider> | Refresher<LlmProvider>,
    options: RefreshingProviderOptions = {},
  ) {
    assertProvider(inner, 'The wrapped provider')
    this.provider = inner.provider
    this.model = inner.model
    this.configuredThinking = inner.configuredThinking
    this.#template = inner
    this.#checked = inner
    const { refresher, rules, onEvent, background } = readWrapper(inner, refresh, options, assertFresh)
    this.#refresher = refresher
    const common: CommonPolicy = { isRejectionError: (error) => verdict(error, rules), onEvent, background }
    const judged: RetryPolicy<ChatOutcome | EmbedOutcome> = {
      ...common,
      isRejection: (outcome) => outcome.type === 'invalid_request' && verdict(outcome, rules),
      isAcceptance: (outcome) => outcome.type === 'success',
    }
    this.#policy = { ...judged, endpoint: 'chat' }
    this.#streamPolicy = {
      ...common,
      endpoint: 'chatStream',
      isRejection: (delta) => delta.type === 'error' && verdict(delta, rules),
      isContent,
      isEnd,
    }
    if (inner.embed !== undefined) {
      this.embed = (request, given) =>
        this.#retried({ ...judged, endpoint: 'embed' }, given, (provider) => {
          if (provider.embed === undefined) throw lacking(REFRESHED, ['embed'])
          return provider.embed(request, given)
        })
    }
    if (inner.listModels !== undefined) {
      this.listModels = (given) =>
        this.#retried({ ...common, endpoint: 'listModels' }, given, (provider) => {
          if (provider.listModels === undefined) throw lacking(REFRESHED, ['listModels'])
          return provider.listModels(given)
        })
    }
    if (inner.probe !== undefined) this.probe = (given) => this.#probed(given)
  }

  /**
   * A wrapper over a refresher of providers. Many wrappers may share one credential: one refresh serves them all. It waits for the first
   * provider.
   *
   * @throws RefreshError `invalid_provider`, `invalid_option`, or the first refresh's failure
   * @example
   * const provider = await RefreshingProvider.from(token.map((token) => build(token)))
   */
  static async from(
    refresher: Refresher<LlmProvider>,
    options: SharedProviderOptions = {},
  ): Promise<RefreshingProvider> {
    const { value } = await assertRefresher(refresher).snapshot()
    return new RefreshingProvider(value, refresher, options)
  }

  chat(request: ChatRequest, options?: CallOptions): Promise<ChatOutcome> {
    return this.#retried(this.#policy, options, (inner) => inner.chat(request, options))
  }

  chatStream(request: ChatRequest, options?: CallOptions): AsyncIterableIterator<StreamDelta> {
    const signal = options?.signal
    const { isRejection } = this.#streamPolicy
    // The tokens that the first attempt counted before its rejection. The second attempt's usage includes them.
    let spent: Usage | undefined
    const policy: StreamPolicy<StreamDelta> = {
      ...this.#streamPolicy,
      signal,
      isRejection: (delta) => {
        if (delta.type === 'usage') spent = delta.usage
        return isRejection?.(delta) ?? false
      },
    }
    const open = (inner: LlmProvider): AsyncIterable<StreamDelta> => {
      const stream = this.#check(inner).chatStream(request, options)
      return spent === undefined ? stream : withSpent(stream, spent)
    }
    return retryStreamOnce(this.#refresher, open, policy)
  }

  capabilities(): ModelCapabilities | undefined {
    return this.#template.capabilities()
  }

  validateThinkingConfig(thinking: ThinkingConfig | undefined): void {
    this.#template.validateThinkingConfig(thinking)
  }

  defaultMaxTokens(): number {
    return this.#template.defaultMaxTokens()
  }

  structuredOutputSupport(): StructuredOutputSupport {
    return this.#template.structuredOutputSupport()
  }

  #retried<R>(
    policy: RetryPolicy<R>,
    options: CallOptions | undefined,
    call: (inner: LlmProvider) => Promise<R>,
  ): Promise<R> {
    const signal = options?.signal
    const given = signal === undefined ? policy : { ...policy, signal }
    return retryOnce(this.#refresher, (inner) => call(this.#check(inner)), given)
  }

  /** Probes the current provider, or else the last one that was used. Neither call of the refresher begins a refresh. */
  async #probed(options: CallOptions | undefined): Promise<void> {
    const { value } = this.#refresher.usable?.() ?? this.#refresher.peek() ?? { value: this.#checked }
    const inner = this.#check(value)
    if (inner.probe === undefined) throw lacking(REFRESHED, ['probe'])
    await inner.probe(options)
  }

  /** Checks each provider once, when it is first used. */
  #check(inner: LlmProvider): LlmProvider {
    if (inner !== this.#checked) {
      assertFresh(inner)
      this.#checked = inner
    }
    return inner
  }
}

const REFRESHED = 'The refreshed provider'

function assertFresh(fresh: LlmProvider): void {
  assertProvider(fresh, REFRESHED)
}

/** Every other kind of delta counts as content, so that a kind that is added later is never sent twice. */
function isContent(delta: StreamDelta): boolean {
  const { type } = delta
  return type !== 'usage' && type !== 'response' && type !== 'error' && type !== 'done'
}

function isEnd(delta: StreamDelta): boolean {
  return delta.type === 'done'
}
