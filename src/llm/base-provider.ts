import { RefreshError } from '../core/errors.ts'
import type { ModelCapabilities, StructuredOutputSupport } from './capabilities.ts'
import type { LlmProvider } from './provider.ts'
import type { CallOptions, ChatRequest, ThinkingConfig } from './request.ts'
import type { ChatOutcome, StreamDelta } from './response.ts'
import { streamOutcome } from './stream-outcome.ts'

/** Tokens to allow when nothing is known of a model. */
const DEFAULT_MAX_TOKENS = 4096

/**
 * A provider with everything but `chat` filled in: streaming from `chat`, and the capability methods from
 * `capabilities()`, which knows nothing unless it is overridden.
 *
 * @example
 * class Echo extends BaseProvider {
 *   readonly provider = 'echo'
 *   readonly model = 'echo-1'
 *   async chat(request: ChatRequest): Promise<ChatOutcome> { … }
 * }
 */
export abstract class BaseProvider implements LlmProvider {
  abstract readonly provider: string
  abstract readonly model: string
  readonly configuredThinking: ThinkingConfig | undefined = undefined

  abstract chat(request: ChatRequest, options?: CallOptions): Promise<ChatOutcome>

  /** The whole answer of `chat`, handed out block by block. */
  async *chatStream(request: ChatRequest, options?: CallOptions): AsyncIterable<StreamDelta> {
    yield* streamOutcome(await this.chat(request, options))
  }

  capabilities(): ModelCapabilities | undefined {
    return undefined
  }

  validateThinkingConfig(thinking: ThinkingConfig | undefined): void {
    validateThinking(thinking, this.capabilities(), this.model)
  }

  defaultMaxTokens(): number {
    return this.capabilities()?.maxOutputTokens ?? DEFAULT_MAX_TOKENS
  }

  structuredOutputSupport(): StructuredOutputSupport {
    return 'native'
  }
}

function validateThinking(
  thinking: ThinkingConfig | undefined,
  capabilities: ModelCapabilities | undefined,
  model: string,
): void {
  if (thinking === undefined) return
  if (thinking.mode !== 'enabled' && thinking.mode !== 'adaptive') {
    throw new RefreshError(
      'invalid_request',
      `Unknown thinking mode ${JSON.stringify((thinking as ThinkingConfig).mode)}: use 'enabled' or 'adaptive'.`,
    )
  }
  const able = capabilities?.thinking ?? 'both'
  if (able !== 'both' && able !== thinking.mode) {
    const fix = able === 'none' ? 'leave `thinking` out' : `use mode '${able}'`
    throw new RefreshError(
      'invalid_request',
      `${model} does not take thinking mode '${thinking.mode}': ${fix}.`,
    )
  }
  if (thinking.mode === 'enabled') {
    validateBudget(thinking.budgetTokens, capabilities?.maxOutputTokens, model)
  }
}

function validateBudget(budget: number, most: number | undefined, model: string): void {
  if (!Number.isSafeInteger(budget) || budget < 1) {
    throw new RefreshError(
      'invalid_request',
      `thinking.budgetTokens must be a whole number of tokens above 0, not ${String(budget)}.`,
    )
  }
  if (most !== undefined && budget >= most) {
    throw new RefreshError(
      'invalid_request',
      `thinking.budgetTokens is ${budget}, but ${model} generates at most ${most} tokens: leave room for the answer.`,
    )
  }
}
