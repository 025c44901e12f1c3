import { RefreshError } from '../errors.ts'
import type { ModelCapabilities, StructuredOutputSupport } from './capabilities.ts'
import type { LlmProvider } from './provider.ts'
import type { CallOptions, ChatRequest, ThinkingConfig } from './request.ts'
import type { ChatOutcome, StreamDelta } from './response.ts'
import { streamOutcome } from './stream-outcome.ts'

/** The tokens to allow for a model without known facts. */
const DEFAULT_MAX_TOKENS = 4096

/**
 * A provider that needs only `chat`. It makes streams from `chat`, and takes the facts about the model from `capabilities()`, which returns
 * undefined unless you override it.
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

  /** Streams the response of `chat`, block by block, once `chat` has returned all of it. */
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
  const able = capabilities?.thinking ?? 'both'
  const modes = able === 'both' ? ['enabled', 'adaptive'] : [able]
  if (!modes.includes(thinking?.mode))
    throw invalid(`thinking.mode of ${model} must be ${modes.join(' or ')}`)
  if (thinking.mode !== 'enabled') return
  const { budgetTokens } = thinking
  const most = capabilities?.maxOutputTokens ?? Infinity
  if (Number.isSafeInteger(budgetTokens) && budgetTokens > 0 && budgetTokens < most) return
  throw invalid(`thinking.budgetTokens must be whole, from 1 to below ${most}`)
}

function invalid(problem: string): RefreshError {
  return new RefreshError('invalid_request', `${problem}.`)
}
