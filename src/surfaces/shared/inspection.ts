import type { Verdict } from '../../core/verdict/unauthorized.ts'
import { startTimer } from '../../lib/clock.ts'
import { decoded } from '../../lib/utf8.ts'
import { joined } from './body.ts'
import { FirstEvent, type ServerSentEvent } from './first-event.ts'
import { LONGEST_READ, MOST_READ } from './limits.ts'
import type { ResponseJudge } from './response-judge.ts'

/** The result of a response's inspection. */
export interface Finding {
  readonly verdict: Verdict | false
  /** It shows that the credential is good. */
  readonly accepts: boolean
}

/** Reads a body as its `content-encoding` says (RFC 9110 section 8.4), as far as it has arrived. */
export interface Decoder {
  write(chunk: Uint8Array): void
  /** The body has ended. */
  end(): void
  /** The result is no longer needed. */
  close(): void
}

/**
 * Opens a decoder; undefined if the body cannot be read.
 *
 * @param take called with the decoded bytes
 * @param done called when everything is decoded, as far as possible
 */
export type OpenDecoder = (take: (bytes: Uint8Array) => void, done: () => void) => Decoder | undefined

/** Receives the result of a response's inspection. */
export interface Judged {
  decide(finding: Finding): void
}

/** The head of a response. */
export interface Head {
  readonly status: number
  readonly headers: unknown
}

/** Resolved: what follows it runs once the bytes at hand were pushed. */
const SOON = /* @__PURE__ */ Promise.resolve()

/** When the whole body is waited for, up to the bounds: it is judged, or at least handed on, in one piece. */
type Waits = 'always' | 'for a rejection' | 'never'

/** Looks at the decoded bytes of a body. */
interface Reader {
  /** Takes more decoded bytes, and returns the finding once they are enough. */
  take(bytes: Uint8Array): Finding | undefined
  /** Ends the body. */
  end(): Finding
}

/**
 * Inspects the body of a response while it arrives, to judge it: at most 64 KiB, for at most 5 s. The body's reader pushes it in here,
 * keeps it, and hands it on. The inspection reports its finding once, perhaps within a push.
 */
export class Inspection {
  readonly #reader: Reader
  readonly #decoder: Decoder | undefined
  /** The body needs no decoding. */
  readonly #isPlain: boolean
  readonly #waits: Waits
  readonly #judged: Judged
  #stopTimer: (() => void) | undefined
  #finding: Finding | undefined
  #size = 0
  #isComplete = false
  #isOver = false

  /** @param open undefined if the body needs no decoding */
  constructor(reader: Reader, waits: Waits, open: OpenDecoder | undefined, judged: Judged) {
    this.#reader = reader
    this.#waits = waits
    this.#judged = judged
    // Most bodies come with their head, and are over by then: a timer for each would cost more than to judge it.
    if (waits === 'always') void SOON.then(() => this.#startTimer())
    this.#isPlain = open === undefined
    this.#decoder = open?.(
      (bytes) => this.#found(reader.take(bytes)),
      () => this.#found(reader.end()),
    )
  }

  /** Everything is decided. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** True if nothing more may be read before the finding. */
  get isFull(): boolean {
    return this.#isComplete && !this.#isOver
  }

  push(chunk: Uint8Array): void {
    if (this.#isComplete || this.#isOver) return
    this.#size += chunk.length
    if (this.#finding === undefined && this.#isPlain) this.#found(this.#reader.take(chunk))
    else if (this.#finding === undefined) this.#decoder?.write(chunk)
    // An event stream that cannot be read is not waited for.
    const isUnreadable = this.#decoder === undefined && !this.#isPlain && this.#waits !== 'always'
    if (this.#size > MOST_READ || isUnreadable) this.end()
  }

  /** The body has ended. */
  end(): void {
    if (this.#isComplete) return
    this.#isComplete = true
    this.#stopTimer?.()
    if (this.#finding !== undefined) this.#found(this.#finding)
    else if (this.#decoder === undefined) this.#found(this.#reader.end())
    else this.#decoder.end()
  }

  /** The caller has left. */
  close(): void {
    this.#isOver = true
    this.#stopTimer?.()
    this.#decoder?.close()
  }

  #found(finding: Finding | undefined): void {
    if (finding === undefined || this.#isOver) return
    this.#finding ??= finding
    this.#decoder?.close()
    if (this.#isComplete || !this.#isAwaited(this.#finding)) {
      this.#isOver = true
      this.#stopTimer?.()
      this.#judged.decide(this.#finding)
    } else this.#startTimer()
  }

  /** An error is the end of its event stream: what follows it is handed on, too, if the response is. */
  #isAwaited({ verdict }: Finding): boolean {
    return this.#waits === 'for a rejection'
      ? verdict !== false && verdict.rejected
      : this.#waits === 'always'
  }

  #startTimer(): void {
    if (this.#isComplete || this.#isOver) return
    this.#stopTimer ??= startTimer({ now: Date.now }, LONGEST_READ, () => this.end())
  }
}

/** Inspects the body of a possible rejection. */
export function inspectBody(
  judge: ResponseJudge,
  head: Head,
  open: OpenDecoder | undefined,
  judged: Judged,
): Inspection {
  return new Inspection(new BodyReader(judge, head), 'always', open, judged)
}

/** A class: a storm of rejections makes one for each. */
class BodyReader implements Reader {
  readonly #judge: ResponseJudge
  readonly #head: Head
  /** Most bodies are one piece. */
  #first: Uint8Array | undefined
  #more: Uint8Array[] | undefined
  #size = 0

  constructor(judge: ResponseJudge, head: Head) {
    this.#judge = judge
    this.#head = head
  }

  take(bytes: Uint8Array): Finding | undefined {
    const piece = this.#size + bytes.length > MOST_READ ? bytes.subarray(0, MOST_READ - this.#size) : bytes
    this.#size += bytes.length
    if (this.#first === undefined) this.#first = piece
    else (this.#more ??= []).push(piece)
    return this.#size >= MOST_READ ? this.end() : undefined
  }

  end(): Finding {
    const { status, headers } = this.#head
    const verdict = this.#judge.answer(status, headers, this.#text())
    return { verdict, accepts: status < 400 && !verdict.rejected }
  }

  /** Decoded in one piece: a decoder that keeps a state for the next piece costs many times as much. */
  #text(): string {
    if (this.#first === undefined) return ''
    return decoded(this.#more === undefined ? this.#first : joined([this.#first, ...this.#more]))
  }
}

/**
 * Inspects an event stream up to its first event.
 *
 * @param mayTakeBack a rejection may be replaced by a second attempt: then it is read to its end
 */
export function inspectEvents(
  judge: ResponseJudge,
  { status, headers }: Head,
  open: OpenDecoder | undefined,
  mayTakeBack: boolean,
  judged: Judged,
): Inspection {
  const first = new FirstEvent()
  const findingOf = (event: ServerSentEvent | 'none'): Finding => {
    if (event === 'none') return { verdict: false, accepts: true }
    const error = judge.event(event)
    if (error !== undefined) return { verdict: error, accepts: false }
    // A rule for this status may know what an error looks like.
    const verdict = judge.mayReject(status, undefined) && judge.answer(status, headers, event.data)
    return { verdict, accepts: verdict === false || !verdict.rejected }
  }
  const take = (bytes: Uint8Array): Finding | undefined => {
    const event = first.push(bytes)
    return event && findingOf(event)
  }
  const waits = mayTakeBack ? 'for a rejection' : 'never'
  return new Inspection({ take, end: () => findingOf(first.end()) }, waits, open, judged)
}
