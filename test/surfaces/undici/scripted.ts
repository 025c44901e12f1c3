import type {
  Dispatch,
  DispatchController,
  DispatchHandler,
  DispatchOptions,
} from '../../../src/surfaces/undici/types.ts'

/** What a dispatcher gives a handler, as undici does: an abort is told to the handler at once. */
export class FakeController implements DispatchController {
  aborted = false
  paused = false
  reason: unknown = null
  rawHeaders: unknown = null
  rawTrailers: unknown = null
  isComplete = false
  readonly #handler: DispatchHandler

  constructor(handler: DispatchHandler) {
    this.#handler = handler
  }

  abort(reason: unknown): void {
    if (this.aborted || this.isComplete) return
    this.aborted = true
    this.reason = reason
    this.#handler.onResponseError?.(this, reason)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }
}

/** One request as it reached the dispatcher; the test says what happens to it. What a handler throws aborts it, as in undici. */
export class Inner {
  readonly options: DispatchOptions
  readonly handler: DispatchHandler
  readonly controller: FakeController

  constructor(options: DispatchOptions, handler: DispatchHandler) {
    this.options = options
    this.handler = handler
    this.controller = new FakeController(handler)
  }

  start(context?: unknown): this {
    return this.#guard(() => this.handler.onRequestStart?.(this.controller, context))
  }

  head(status: number, headers: Record<string, string | string[]> = {}): this {
    this.controller.rawHeaders = Object.entries(headers).flatMap((field) =>
      field.map((text) => Buffer.from(String(text))),
    )
    return this.#guard(() => this.handler.onResponseStart?.(this.controller, status, headers, `S${status}`))
  }

  data(chunk: string | Uint8Array): this {
    return this.#guard(() => this.handler.onResponseData?.(this.controller, Buffer.from(chunk)))
  }

  end(trailers: Record<string, string> = {}): this {
    if (this.controller.aborted) return this
    this.controller.isComplete = true
    try {
      this.handler.onResponseEnd?.(this.controller, trailers)
    } catch (error) {
      this.handler.onResponseError?.(this.controller, error)
    }
    return this
  }

  fail(error: unknown): this {
    this.controller.isComplete = true
    this.handler.onResponseError?.(this.controller, error)
    return this
  }

  upgrade(status: number, socket: unknown): this {
    this.controller.isComplete = true
    return this.#guard(() => this.handler.onRequestUpgrade?.(this.controller, status, { a: 'b' }, socket))
  }

  /** What a dispatcher that is not undici may still come with once the request was aborted. */
  late(): void {
    const { handler, controller } = this
    handler.onResponseStart?.(controller, 200, {}, 'late')
    handler.onResponseData?.(controller, Buffer.from('late'))
    handler.onResponseEnd?.(controller, {})
    handler.onResponseError?.(controller, new Error('late'))
  }

  /** Starts, and answers in one go. */
  answer(status: number, body = '', headers: Record<string, string> = {}): this {
    this.start().head(status, headers)
    if (body !== '') this.data(body)
    return this.end()
  }

  #guard(run: () => void): this {
    if (this.controller.aborted) return this
    try {
      run()
    } catch (error) {
      this.controller.isComplete = false
      this.controller.abort(error)
    }
    return this
  }
}

/** A dispatcher that does what the test says. */
export function scripted(): { dispatch: Dispatch; sent: Inner[]; inner(n: number): Inner } {
  const sent: Inner[] = []
  return {
    sent,
    dispatch: (options, handler) => {
      sent.push(new Inner(options, handler))
      return false
    },
    inner(n) {
      const inner = sent[n]
      if (inner === undefined) throw new Error(`${sent.length} requests were dispatched, not ${n + 1}.`)
      return inner
    },
  }
}

/** A handler that writes down what it hears. */
export class Listener implements DispatchHandler {
  readonly heard: string[] = []
  controller: DispatchController | undefined
  error: unknown
  /** What is done in a callback, by its name. */
  readonly on: Partial<Record<'start' | 'head' | 'data' | 'end' | 'upgrade' | 'error', () => void>>

  constructor(on: Listener['on'] = {}) {
    this.on = on
  }

  onRequestStart(controller: DispatchController): void {
    this.controller = controller
    this.#hear('start', 'start')
  }

  onRequestUpgrade(controller: DispatchController, status: number): void {
    this.#same(controller)
    this.#hear('upgrade', `upgrade ${status}`)
  }

  onResponseStart(controller: DispatchController, status: number, _: unknown, message?: string): void {
    this.#same(controller)
    this.#hear('head', `${status} ${message}`)
  }

  onResponseData(_: DispatchController, chunk: Uint8Array): void {
    this.#hear('data', String(chunk))
  }

  onResponseEnd(_: DispatchController, trailers: object): void {
    this.#hear('end', `end ${JSON.stringify(trailers)}`)
  }

  onResponseError(_: DispatchController | undefined, error: unknown): void {
    this.error = error
    this.#hear('error', 'error')
  }

  #hear(name: keyof Listener['on'], what: string): void {
    this.heard.push(what)
    this.on[name]?.()
  }

  #same(controller: DispatchController): void {
    if (controller !== this.controller) this.heard.push('another controller')
  }
}
