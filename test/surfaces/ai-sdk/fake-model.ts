import type { AiSdkCallOptions, AiSdkLanguageModel } from '../../../src/surfaces/ai-sdk/index.ts'

/** What a hand-written model is and says. */
export interface FakeModelOptions {
  /** Default: `v4`. */
  version?: AiSdkLanguageModel['specificationVersion']
  /** Default: a vendor that nobody knows. */
  provider?: string
  modelId?: string
  /** The answer of `doGenerate`, laid over an empty one. */
  answer?: Record<string, unknown>
  /** The parts of `doStream`, one for each pull. */
  parts?: readonly Record<string, unknown>[]
  /** Thrown by `doGenerate` and `doStream`. */
  error?: unknown
}

/** A hand-written model, and what was done to it. */
export interface FakeModel extends AiSdkLanguageModel {
  /** How it was called. */
  readonly calls: AiSdkCallOptions[]
  /** How many parts were asked of its stream. */
  readonly pulls: () => number
  /** Whether its stream was closed from outside. */
  readonly cancelled: () => boolean
}

const NO_USAGE = { inputTokens: {}, outputTokens: {} }
export const FINISH = { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage: NO_USAGE }

/** A model for what no real one does at will. Its stream reads nothing ahead, so that pulls can be counted. */
export function fakeModel(options: FakeModelOptions = {}): FakeModel {
  const { version = 'v4', provider = 'nobody.chat', modelId = 'a-model', error } = options
  const parts = [...(options.parts ?? [FINISH])]
  const calls: AiSdkCallOptions[] = []
  let pulls = 0
  let cancelled = false
  function called(call: AiSdkCallOptions): void {
    calls.push(call)
    if (error !== undefined) throw error
  }
  return {
    specificationVersion: version,
    provider,
    modelId,
    calls,
    pulls: () => pulls,
    cancelled: () => cancelled,
    doGenerate: async (call) => {
      called(call)
      return {
        content: [],
        finishReason: FINISH.finishReason,
        usage: NO_USAGE,
        warnings: [],
        ...options.answer,
      }
    },
    doStream: async (call) => {
      called(call)
      const stream = new ReadableStream<{ type: string }>(
        {
          pull(controller) {
            pulls++
            const part = parts.shift()
            if (part === undefined) controller.close()
            else controller.enqueue({ type: '', ...part })
          },
          cancel() {
            cancelled = true
          },
        },
        { highWaterMark: 0 },
      )
      return { stream }
    },
  }
}
