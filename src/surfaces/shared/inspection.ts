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
  /** True if the response shows that the server accepted the credential. */
  readonly accepts: boolean
}

/** Decodes a body by its `content-encoding` (RFC 9110 section 8.4), as far as it has arrived. */
export interface Decoder {
  write(chunk: Uint8Array): void
  /** Ends the body. */
  end(): void
  /** Stops decoding. No one needs the result. */
  close(): void
}

/**
 * Opens a decoder; undefined if we cannot decode the body.
 *
 * @param take receives the decoded bytes
 * @param done called when everything that can be decoded is decoded
 */
export type OpenDecoder = (take: (bytes: Uint8Array) => void, done: () => void) => Decoder | undefined

/** Receives the finding of an inspection. */
export interface Judged {
  decide(finding: Finding): void
}

/** The head of a response. */
export interface Head {
  readonly status: number
  readonly headers: unknown
}

/** A resolved promise. Its callbacks run after the code that pushes the bytes already at hand. */
const SOON = /* @__PURE__ */ Promise.resolve()

/**
 * When an inspection that has a finding still waits for the rest of the body, within the bounds: so the caller gets the body in one piece.
 */
type Waits = 'always' | 'for a rejection' | 'never'

/** Looks at the decoded bytes of a body. */
interface Reader {
  /** Takes more decoded bytes, and returns the finding once they are enough. */
  take(bytes: Uint8Array): Finding | undefined
  /** Ends the body. */
  end(): Finding
}

/**
 * Inspects the body of a response while it arrives: at most 64 KiB, for at most 5 s. The body's reader pushes each piece in here, and keeps
 * it for the caller. The inspection reports its finding once, perhaps during a push.
 */
export class Inspection {
  readonly #reader: Reader
  readonly #decoder: Decoder | undefined
  /** True if the body needs no decoding. */
  readonly #isPlain: boolean
  readonly #waits: Waits
  readonly #judged: Judged
  #stopTimer: (() => void) | undefined
  #finding: Finding | undefined
  #size = 0
  #isComplete = false
  #isOver = false

  /** @param open opens the decoder; undefined if the body needs none */
  constructor(reader: Reader, waits: Waits, open: OpenDecoder | undefined, judged: Judged) {
    this.#reader = reader
    this.#waits = waits
    this.#judged = judged
    // Start the timer a little later. Most bodies arrive with their head and are over by then, and a timer would cost more than the
    // judgement.
    if (waits === 'always') void SOON.then(() => this.#startTimer())
    this.#isPlain = open === undefined
    this.#decoder = open?.(
      (bytes) => this.#found(reader.take(bytes)),
      () => this.#found(reader.end()),
    )
  }

  /** True once the finding is reported. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** True if the bounds are reached, but the finding is not there yet: read nothing more until then. */
  get isFull(): boolean {
    return this.#isComplete && !this.#isOver
  }

  push(chunk: Uint8Array): void {
    if (this.#isComplete || this.#isOver) return
    this.#size += chunk.length
    if (this.#finding === undefined && this.#isPlain) this.#found(this.#reader.take(chunk))
    else if (this.#finding === undefined) this.#decoder?.write(chunk)
    // Do not wait for an event stream that we cannot decode.
    const isUnreadable = this.#decoder === undefined && !this.#isPlain && this.#waits !== 'always'
    if (this.#size > MOST_READ || isUnreadable) this.end()
  }

  /** Ends the body. */
  end(): void {
    if (this.#isComplete) return
    this.#isComplete = true
    this.#stopTimer?.()
    if (this.#finding !== undefined) this.#found(this.#finding)
    else if (this.#decoder === undefined) this.#found(this.#reader.end())
    else this.#decoder.end()
  }

  /** Stops without a finding, because the caller has left. */
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

  /**
   * True if the inspection waits for the rest of the body. A stream soon ends after an error, so the caller gets the whole of it if there
   * is no second attempt.
   */
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

/** Judges the body of a possible rejection. A class, because many rejections at once need many of these. */
class BodyReader implements Reader {
  readonly #judge: ResponseJudge
  readonly #head: Head
  /** The first piece. Most bodies have only this one. */
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

  /** The text of the body, decoded in one piece: a decoder that keeps its state for a next piece costs many times as much. */
  #text(): string {
    if (this.#first === undefined) return ''
    return decoded(this.#more === undefined ? this.#first : joined([this.#first, ...this.#more]))
  }
}

/**
 * Inspects an event stream up to its first event.
 *
 * @param mayTakeBack true if a second attempt may replace this response: then a rejection is read to its end
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
    // The first event is no error that we know, but a rule for this status may match it.
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
