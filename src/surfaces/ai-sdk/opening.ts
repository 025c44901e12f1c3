import { startTimer } from '../../core/clock.ts'
import type { Verdict } from '../../core/unauthorized.ts'
import { LONGEST_READ } from '../../http/judge.ts'

/** What a stream begins with before it has said anything: parts that may be taken back. */
const PRELUDE: ReadonlySet<unknown> = new Set([
  'stream-start',
  'response-metadata',
  'text-start',
  'reasoning-start',
  'ping',
  'raw',
])

/** As many parts are read after a rejection: mostly one, which says that it is over. */
const MOST_AFTER = 64

/** Judges what goes wrong in the beginning of a stream. */
export interface StreamJudge {
  /** The stream broke. */
  readonly thrown: (error: unknown) => Verdict
  /** An `error` part came. */
  readonly part: (error: unknown) => Verdict
}

/** A stream of parts, read up to the first part that decides whether it is handed on. */
export class Opening implements UnderlyingDefaultSource<unknown> {
  /** Whether it is a rejection. */
  verdict: Verdict | false = false
  /** Whether it shows that the credential is good. */
  accepts: boolean = true
  readonly #reader: ReadableStreamDefaultReader<unknown>
  readonly #held: unknown[] = []
  #ending: { readonly error?: unknown } | undefined
  #controller: ReadableStreamDefaultController<unknown> | undefined
  readonly #isLast: boolean

  /** @param isLast no attempt follows: a rejection is the caller's, with whatever comes after it */
  constructor(stream: ReadableStream<unknown>, isLast: boolean) {
    this.#reader = stream.getReader()
    this.#isLast = isLast
  }

  /** Reads the prelude, and one part more. It never rejects. */
  async read(judge: StreamJudge): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read()
        if (done) {
          this.#ending = {}
          return
        }
        this.#held.push(value)
        const { type, error } = fieldsOf(value)
        if (type === 'error') return await this.#fail(judge.part(error))
        if (!PRELUDE.has(type)) return
      }
    } catch (error) {
      this.#ending = { error }
      await this.#fail(judge.thrown(error))
    }
  }

  /** The stream as it is for whoever called: what was held, then the rest, read no faster than it is taken. */
  handOn(): ReadableStream<unknown> {
    return new ReadableStream(this, { highWaterMark: 0 })
  }

  start(controller: ReadableStreamDefaultController<unknown>): void {
    this.#controller = controller
  }

  /** It returns no promise: the stream would wait for that one, too. */
  pull(controller: ReadableStreamDefaultController<unknown>): void {
    if (this.#held.length > 0) controller.enqueue(this.#held.shift())
    else if (this.#ending === undefined) void this.#reader.read().then(this.#take, this.#break)
    else if ('error' in this.#ending) controller.error(this.#ending.error)
    else controller.close()
  }

  cancel(reason: unknown): Promise<void> | undefined {
    // Who leaves what is over already need not hear how it ended.
    const isOver = this.#ending !== undefined
    this.#ending = {}
    return isOver ? undefined : this.#reader.cancel(reason)
  }

  readonly #take = ({ done, value }: ReadableStreamReadResult<unknown>): void => {
    if (this.#ending !== undefined) return
    if (done) {
      // Another read may be waiting to hear the same.
      this.#ending = {}
      this.#controller?.close()
    } else this.#controller?.enqueue(value)
  }

  readonly #break = (error: unknown): void => this.#controller?.error(error)

  async #fail(verdict: Verdict): Promise<void> {
    this.verdict = verdict
    this.accepts = false
    if (verdict.rejected && !this.#isLast) await this.#finish()
  }

  /** What follows is handed on, too, if no attempt takes its place. But no connection is held while the credential is refreshed. */
  async #finish(): Promise<void> {
    const leave = (): void => {
      this.#reader.cancel('It begins with a rejection.').catch(() => undefined)
    }
    const stop = startTimer({ now: Date.now }, LONGEST_READ, leave)
    try {
      for (let n = 0; this.#ending === undefined; n++) {
        if (n === MOST_AFTER) leave()
        const { done, value } = await this.#reader.read()
        if (done) this.#ending = {}
        else this.#held.push(value)
      }
    } catch (error) {
      this.#ending = { error }
    }
    stop()
  }
}

function fieldsOf(part: unknown): { type?: unknown; error?: unknown } {
  return typeof part === 'object' && part !== null ? part : {}
}
