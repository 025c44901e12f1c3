import type { AiSdkLanguageModel } from '../../../src/surfaces/ai-sdk/index.ts'

/** A part of a stream, of whatever kind. */
export interface Part {
  readonly type: string
  readonly [field: string]: unknown
}

/** How a stream goes on when its parts are used up. */
export type Ending = 'ends' | 'hangs' | { readonly breaks: unknown }

/** A stream that reads nothing ahead, and what was done to it. */
export class PartStream {
  readonly stream: ReadableStream<Part>
  /** Why it was cancelled, each time. */
  readonly cancels: unknown[] = []
  pulls = 0

  constructor(parts: readonly Part[], ending: Ending = 'ends') {
    const rest = [...parts]
    this.stream = new ReadableStream<Part>(
      {
        pull: (controller) => {
          this.pulls++
          const part = rest.shift()
          if (part !== undefined) return controller.enqueue(part)
          if (ending === 'hangs') return new Promise<void>(() => {})
          return ending === 'ends' ? controller.close() : controller.error(ending.breaks)
        },
        cancel: (reason) => {
          this.cancels.push(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }
}

/** One call that reached the remote side: with which token, by which method, and what was handed to it. */
export interface Call {
  readonly token: string
  readonly method: string
  readonly given: readonly unknown[]
}

/** What the remote side does with a call. A stream is answered as one. */
export type Answering = (call: Call) => unknown

/** The remote side: it sees the calls of all the models that were built for it. */
export class Remote {
  readonly calls: Call[] = []
  readonly #answer: Answering

  constructor(answer: Answering) {
    this.#answer = answer
  }

  /** Who called, in order. */
  get tokens(): string[] {
    return this.calls.map(({ token }) => token)
  }

  /** A language model that holds this token. */
  model(token: string, version: AiSdkLanguageModel['specificationVersion'] = 'v4'): AiSdkLanguageModel {
    const answered = async <Result>(method: string, given: readonly unknown[]): Promise<Result> => {
      const call = { token, method, given }
      this.calls.push(call)
      const answer = await this.#answer(call)
      const { stream } = answer instanceof PartStream ? answer : { stream: undefined }
      const request = { body: token }
      return (stream === undefined ? answer : { stream, request, response: { headers: { token } } }) as Result
    }
    return {
      specificationVersion: version,
      provider: 'remote.chat',
      modelId: 'remote-1',
      doGenerate: (...given) => answered('doGenerate', given),
      doStream: (...given) => answered('doStream', given),
    }
  }
}

/** A remote side that turns `stale` away with this, and answers everyone else with `success`. */
export function expiring(rejecting: Answering, success: Answering): Remote {
  return new Remote((call) => (call.token === 'stale' ? rejecting(call) : success(call)))
}

export const CALL = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }] }

/** What the AI SDK throws for an answer with this status. */
export function apiError(statusCode: number, message = `HTTP ${statusCode}`, challenge?: string): Error {
  const responseHeaders = challenge === undefined ? {} : { 'www-authenticate': challenge }
  return Object.assign(new Error(message), { name: 'AI_APICallError', statusCode, responseHeaders })
}

export function text(delta: string): Part {
  return { type: 'text-delta', id: '0', delta }
}
export function failing(error: unknown): Part {
  return { type: 'error', error }
}

export const START: Part = { type: 'stream-start', warnings: [] }
export const END: Part = { type: 'finish', finishReason: 'stop' }
export const REJECTION: Part = failing({ type: 'error', code: 'token_expired', message: 'Expired.' })

/** Everything that a stream hands out, and what it broke with, if it did. */
export async function taken(stream: ReadableStream<unknown>): Promise<{ parts: unknown[]; broke?: unknown }> {
  const parts: unknown[] = []
  try {
    for await (const part of stream) parts.push(part)
    return { parts }
  } catch (broke) {
    return { parts, broke }
  }
}

/** Opens a stream, and takes all of it. */
export async function streamed(
  model: AiSdkLanguageModel,
  abortSignal?: AbortSignal,
): Promise<{ parts: unknown[]; broke?: unknown }> {
  const { stream } = await model.doStream({ ...CALL, abortSignal })
  return taken(stream)
}
