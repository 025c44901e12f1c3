import type { Verdict } from '../../core/verdict/unauthorized.ts'
import { startTimer } from '../../lib/clock.ts'
import { utf8 } from '../../lib/utf8.ts'
import { joined } from './body.ts'
import { FirstEvent, type ServerSentEvent } from './first-event.ts'
import { LONGEST_READ, MOST_READ } from './limits.ts'
import type { ResponseJudge } from './response-judge.ts'

/** What a response was found to be. */
export interface Finding {
  readonly verdict: Verdict | false
  /** It shows that the credential is good. */
  readonly accepts: boolean
}

/** Reads a body as its `content-encoding` says (RFC 9110 section 8.4), as far as it has arrived. */
export interface Decoder {
  write(chunk: Uint8Array): void
  /** There is no more. */
  end(): void
  /** Nothing is wanted any more. */
  close(): void
}

/**
 * Opens a decoder; undefined where the body cannot be read.
 *
 * @param take hears of what was decoded
 * @param done all of it was decoded, or as much as can be
 */
export type OpenDecoder = (take: (bytes: Uint8Array) => void, done: () => void) => Decoder | undefined

/** The body needs no decoding. */
export function asItIs(take: (bytes: Uint8Array) => void, done: () => void): Decoder {
  return { write: take, end: done, close: () => undefined }
}

/** The head of a response. */
export interface Head {
  readonly status: number
  readonly headers: unknown
}

/** When the whole body is waited for, up to the bounds: it is judged, or at least handed on, in one piece. */
type Waits = 'always' | 'for a rejection' | 'never'

/** Looks at what was decoded of a body. */
interface Reader {
  /** More was decoded: what is found, where that is enough. */
  take(bytes: Uint8Array): Finding | undefined
  /** That is all there is. */
  end(): Finding
}

/**
 * Looks into the body of a response while it arrives, to judge it: at most 64 KiB, for at most 5 s. Whoever reads the body pushes it in
 * here, keeps it, and hands it on. It tells what it found once, perhaps while it is told of more.
 */
export class Inspection {
  readonly #reader: Reader
  readonly #decoder: Decoder | undefined
  readonly #waits: Waits
  readonly #tell: (finding: Finding) => void
  #stopTimer: (() => void) | undefined
  #finding: Finding | undefined
  #size = 0
  #isComplete = false
  #isOver = false

  constructor(reader: Reader, waits: Waits, open: OpenDecoder, tell: (finding: Finding) => void) {
    this.#reader = reader
    this.#waits = waits
    this.#tell = tell
    // Most bodies come with their head, and are over by then: a timer for each would cost more than to judge it.
    if (waits === 'always') void Promise.resolve().then(() => this.#startTimer())
    this.#decoder = open(
      (bytes) => this.#found(reader.take(bytes)),
      () => this.#found(reader.end()),
    )
  }

  /** Everything is decided. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** So much was read that nothing more may come before it is decided. */
  get isFull(): boolean {
    return this.#isComplete && !this.#isOver
  }

  push(chunk: Uint8Array): void {
    if (this.#isComplete || this.#isOver) return
    this.#size += chunk.length
    if (this.#finding === undefined) this.#decoder?.write(chunk)
    // An event stream that cannot be read is not waited for.
    const isUnreadable = this.#decoder === undefined && this.#waits !== 'always'
    if (this.#size > MOST_READ || isUnreadable) this.end()
  }

  /** There is no more. */
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
      this.#tell(this.#finding)
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
  { status, headers }: Head,
  open: OpenDecoder,
  tell: (finding: Finding) => void,
): Inspection {
  const chunks: Uint8Array[] = []
  let size = 0
  const end = (): Finding => {
    const verdict = judge.answer(status, headers, textOf(chunks))
    return { verdict, accepts: status < 400 && !verdict.rejected }
  }
  const take = (bytes: Uint8Array): Finding | undefined => {
    chunks.push(bytes.subarray(0, MOST_READ - size))
    size += bytes.length
    return size >= MOST_READ ? end() : undefined
  }
  return new Inspection({ take, end }, 'always', open, tell)
}

/**
 * Inspects an event stream up to its first event.
 *
 * @param mayTakeBack a rejection may be replaced by a second attempt: then it is read to its end
 */
export function inspectEvents(
  judge: ResponseJudge,
  { status, headers }: Head,
  open: OpenDecoder,
  mayTakeBack: boolean,
  tell: (finding: Finding) => void,
): Inspection {
  const first = new FirstEvent()
  const judged = (event: ServerSentEvent | 'none'): Finding => {
    if (event === 'none') return { verdict: false, accepts: true }
    const error = judge.event(event)
    if (error !== undefined) return { verdict: error, accepts: false }
    // A rule for this status may know what an error looks like.
    const verdict = judge.mayReject(status, undefined) && judge.answer(status, headers, event.data)
    return { verdict, accepts: verdict === false || !verdict.rejected }
  }
  const take = (bytes: Uint8Array): Finding | undefined => {
    const event = first.push(bytes)
    return event && judged(event)
  }
  const waits = mayTakeBack ? 'for a rejection' : 'never'
  return new Inspection({ take, end: () => judged(first.end()) }, waits, open, tell)
}

/** In one piece: a decoder that keeps a state for the next piece costs many times as much. */
function textOf(chunks: readonly Uint8Array[]): string {
  const [first] = chunks
  if (first === undefined) return ''
  return utf8().decode(chunks.length === 1 ? first : joined(chunks))
}
