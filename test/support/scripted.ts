import type { RefreshContext, RefreshEvent } from '../../src/index.ts'
import {
  BaseProvider,
  type CallOptions,
  type ChatOutcome,
  type ChatRequest,
  type LlmProvider,
  RefreshingProvider,
  type StreamDelta,
  type StreamErrorDelta,
  type Usage,
} from '../../src/surfaces/provider/index.ts'
import { responder } from './responder.ts'

/** One call of a provider: its token, request and options. */
export interface Attempt {
  readonly token: string
  readonly request: ChatRequest
  readonly options: CallOptions | undefined
}

/** The responses of the remote side. */
export interface Answers {
  chat?: (attempt: Attempt) => ChatOutcome | Promise<ChatOutcome>
  stream?: (attempt: Attempt) => AsyncIterable<StreamDelta>
}

/** The remote side. It records the attempts of all providers that it has built. */
export class Remote {
  readonly attempts: Attempt[] = []
  readonly #answers: Answers

  constructor(answers: Answers) {
    this.#answers = answers
  }

  /** The tokens of the attempts, in order. */
  get tokens(): string[] {
    return this.attempts.map(({ token }) => token)
  }

  provider(token: string): LlmProvider {
    return new RemoteProvider(this, token)
  }

  chat(attempt: Attempt): ChatOutcome | Promise<ChatOutcome> {
    this.attempts.push(attempt)
    if (this.#answers.chat === undefined) throw new Error('This remote side has no answer to a chat.')
    return this.#answers.chat(attempt)
  }

  stream(attempt: Attempt): AsyncIterable<StreamDelta> {
    this.attempts.push(attempt)
    if (this.#answers.stream === undefined) throw new Error('This remote side has no answer to a stream.')
    return this.#answers.stream(attempt)
  }
}

class RemoteProvider extends BaseProvider {
  readonly provider = 'scripted'
  readonly model = 'scripted-1'
  readonly #remote: Remote
  readonly #token: string

  constructor(remote: Remote, token: string) {
    super()
    this.#remote = remote
    this.#token = token
  }

  async chat(request: ChatRequest, options?: CallOptions): Promise<ChatOutcome> {
    return this.#remote.chat({ token: this.#token, request, options })
  }

  override chatStream(request: ChatRequest, options?: CallOptions): AsyncIterable<StreamDelta> {
    return this.#remote.stream({ token: this.#token, request, options })
  }
}

/** One step of a stream: an item, or a function that returns one, waits or throws. */
export type Step = StreamDelta | (() => Promise<StreamDelta>)

/** A provider's stream. It counts the calls of its methods, and ends after its last step. */
export class ScriptedStream implements AsyncIterable<StreamDelta> {
  opened = 0
  reads = 0
  returns = 0
  /** Awaited by `return()`. */
  closing: () => Promise<void> = () => Promise.resolve()
  readonly #steps: readonly Step[]

  constructor(...steps: Step[]) {
    this.#steps = steps
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamDelta> {
    this.opened++
    return {
      next: async () => {
        const step = this.#steps[this.reads++]
        if (step === undefined) return { done: true, value: undefined }
        return { done: false, value: typeof step === 'function' ? await step() : step }
      },
      return: async () => {
        this.returns++
        await this.closing()
        return { done: true, value: undefined }
      },
    }
  }
}

export const request: ChatRequest = { system: '', messages: [{ role: 'user', content: 'Hello' }] }

export const usage = (inputTokens: number, outputTokens: number): Usage => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  cacheCreationInputTokens: 0,
})

export const success: ChatOutcome = {
  type: 'success',
  response: {
    id: 'msg_1',
    model: 'scripted-1',
    content: [{ type: 'text', text: 'ok' }],
    stopReason: 'end_turn',
    usage: usage(1, 1),
  },
}

/** Makes an outcome that is a rejection. */
export const rejection = (): ChatOutcome => ({ type: 'invalid_request', message: 'HTTP 401', status: 401 })

/** Makes a delta that is a rejection. */
export const rejected = (): StreamErrorDelta => ({
  type: 'error',
  kind: 'invalid_request',
  message: 'HTTP 401',
  status: 401,
})

export const text = (delta: string): StreamDelta => ({ type: 'text_delta', delta, blockIndex: 0 })

export const done: StreamDelta = { type: 'done', stopReason: 'end_turn' }

/** A step that waits until the test opens it with a value, or fails it. */
export function gate<T>(): {
  wait: () => Promise<T>
  open: (value: T) => void
  fail: (error: unknown) => void
} {
  let open: (value: T) => void = () => undefined
  let fail: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { wait: () => promise, open, fail }
}

/** A wrapped provider with one stream before its refresh, and one after it. The test settles the refresh. */
export function wrapped(
  first: AsyncIterable<StreamDelta>,
  second: AsyncIterable<StreamDelta> = new ScriptedStream(),
): { remote: Remote; source: ReturnType<typeof responder<LlmProvider>>; provider: RefreshingProvider } {
  const remote = new Remote({ stream: ({ token }) => (token === 'old' ? first : second) })
  const source = responder<LlmProvider>()
  return { remote, source, provider: new RefreshingProvider(remote.provider('old'), source.refresh) }
}

/** A refresh function that returns providers with the tokens `new 1`, `new 2` …, and counts its runs. */
export function renewing(remote: Remote): {
  count: number
  readonly refresh: (context: RefreshContext<LlmProvider>) => Promise<LlmProvider>
} {
  const renewal = {
    count: 0,
    refresh: async (): Promise<LlmProvider> => remote.provider(`new ${++renewal.count}`),
  }
  return renewal
}

/** A refresh function that fails, and counts its runs. */
export function failing(error: unknown): { count: number; readonly refresh: () => Promise<LlmProvider> } {
  const failure = {
    count: 0,
    refresh: (): Promise<LlmProvider> => {
      failure.count++
      return Promise.reject(error)
    },
  }
  return failure
}

/** A listener that records its events. */
export function listener(): {
  readonly heard: RefreshEvent[]
  readonly types: () => string[]
  readonly onEvent: (event: RefreshEvent) => void
} {
  const heard: RefreshEvent[] = []
  return { heard, types: () => heard.map(({ type }) => type), onEvent: (event) => heard.push(event) }
}

export async function drain(stream: AsyncIterable<StreamDelta>): Promise<StreamDelta[]> {
  const deltas: StreamDelta[] = []
  for await (const delta of stream) deltas.push(delta)
  return deltas
}
