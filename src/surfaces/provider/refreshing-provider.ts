import { assertRefresher, type Refresh, type Refresher } from '../../core/refresher.ts'
import { retryOnce, type RetryPolicy } from '../../core/retry-once.ts'
import type { CommonPolicy } from '../../core/retry-policy.ts'
import { retryStreamOnce, type StreamPolicy } from '../../core/retry-stream-once.ts'
import { verdict } from '../../core/verdict/unauthorized.ts'
import { assertProvider } from '../../llm/assert-provider.ts'
import type { ModelCapabilities, StructuredOutputSupport } from '../../llm/capabilities.ts'
import type { LlmProvider } from '../../llm/provider.ts'
import type { CallOptions, ChatRequest, ThinkingConfig } from '../../llm/request.ts'
import type { ChatOutcome, StreamDelta, Usage } from '../../llm/response.ts'
import { withSpent } from '../../llm/usage.ts'
import { readWrapper, type SharedWrapperOptions, type WrapperOptions } from '../shared/wrapper.ts'

/** What goes for both forms of a {@link RefreshingProvider}. */
export type SharedProviderOptions = SharedWrapperOptions

/** The cell's options, where the wrapper makes its own. */
export type RefreshingProviderOptions = WrapperOptions<LlmProvider>

/**
 * A provider that does not go stale. Where the wrapped one reports that its credential was rejected, `refresh`
 * is called to rebuild it, once for all callers, and the request is made once more. A stream is opened anew only
 * before its first content, so that no output is ever duplicated.
 *
 * Where no fresh provider is to be had, the caller gets the rejection unchanged, and `onEvent` hears why.
 *
 * @example
 * const provider = new RefreshingProvider(build(await login()), async () => build(await login()))
 * const outcome = await provider.chat({ system: '', messages: [{ role: 'user', content: 'Hello' }] })
 */
export class RefreshingProvider implements LlmProvider {
  readonly provider: string
  readonly model: string
  readonly configuredThinking: ThinkingConfig | undefined
  readonly #refresher: Refresher<LlmProvider>
  /** Answers what depends on no credential. */
  readonly #template: LlmProvider
  readonly #policy: RetryPolicy<ChatOutcome>
  readonly #streamPolicy: StreamPolicy<StreamDelta>
  #checked: LlmProvider

  /**
   * @param inner the provider to start with
   * @param refresh rebuilds it with a fresh credential; or the refresher that does, to share one
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
    this.#policy = {
      ...common,
      endpoint: 'chat',
      isRejection: (outcome) => outcome.type === 'invalid_request' && verdict(outcome, rules),
      isAcceptance: (outcome) => outcome.type === 'success',
    }
    this.#streamPolicy = {
      ...common,
      endpoint: 'chatStream',
      isRejection: (delta) => delta.type === 'error' && verdict(delta, rules),
      isContent,
      isEnd,
    }
  }

  /**
   * A wrapper over a refresher of providers, so that many share one credential: one refresh serves them all.
   * Waits for the first provider.
   *
   * @throws RefreshError `invalid_provider`, `invalid_option`, or what the first refresh failed with
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
    const signal = options?.signal
    const policy = signal === undefined ? this.#policy : { ...this.#policy, signal }
    return retryOnce(this.#refresher, (inner) => this.#check(inner).chat(request, options), policy)
  }

  chatStream(request: ChatRequest, options?: CallOptions): AsyncIterableIterator<StreamDelta> {
    const signal = options?.signal
    const { isRejection } = this.#streamPolicy
    // What the first attempt had reported before it was rejected is added to what the second reports.
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

  /** Each provider is looked at once, when it is first used. */
  #check(inner: LlmProvider): LlmProvider {
    if (inner !== this.#checked) {
      assertFresh(inner)
      this.#checked = inner
    }
    return inner
  }
}

function assertFresh(fresh: LlmProvider): void {
  assertProvider(fresh, 'The refreshed provider')
}

/** Whatever is not known to be bookkeeping is content: a kind that is added later must not be duplicated. */
function isContent(delta: StreamDelta): boolean {
  const { type } = delta
  return type !== 'usage' && type !== 'response' && type !== 'error' && type !== 'done'
}

function isEnd(delta: StreamDelta): boolean {
  return delta.type === 'done'
}
