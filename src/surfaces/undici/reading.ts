import { startTimer } from '../../core/clock.ts'
import type { Verdict } from '../../core/unauthorized.ts'
import { FirstEvent, type ServerSentEvent } from '../../http/first-event.ts'
import { type Judge, LONGEST_READ, MOST_READ } from '../../http/judge.ts'
import { type Decoder, openDecoder } from './decoder.ts'
import type { ResponseHeaders } from './types.ts'

/** What an answer was found to be. */
export interface Finding {
  readonly verdict: Verdict | false
  /** It shows that the credential is good. */
  readonly accepts: boolean
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
 * Reads the body of an answer to judge it: a decoded copy of it, up to 64 KiB. It tells what it found once, perhaps while it is told
 * of more.
 */
export class Reading {
  readonly #reader: Reader
  readonly #decoder: Decoder | undefined
  readonly #waits: Waits
  readonly #tell: (finding: Finding) => void
  #stopTimer: (() => void) | undefined
  #finding: Finding | undefined
  #size = 0
  #isComplete = false
  #isOver = false

  /** @param headers tell how it is encoded */
  constructor(headers: ResponseHeaders, reader: Reader, waits: Waits, tell: (finding: Finding) => void) {
    this.#reader = reader
    this.#waits = waits
    this.#tell = tell
    if (waits === 'always') this.#startTimer()
    this.#decoder = openDecoder(
      headers['content-encoding'],
      (bytes) => this.#found(reader.take(bytes)),
      () => this.#found(reader.end()),
    )
  }

  /** So much was read that nothing more may come before it is decided. */
  get isFull(): boolean {
    return this.#isComplete && !this.#isOver
  }

  push(chunk: Uint8Array): void {
    if (this.#isComplete) return
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

  /** Nobody wants to know any more. */
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
      this.#tell(this.#finding)
    } else this.#startTimer()
  }

  /** An error is the end of its event stream: what follows it is handed on, too, if the answer is. */
  #isAwaited({ verdict }: Finding): boolean {
    return this.#waits === 'for a rejection'
      ? verdict !== false && verdict.rejected
      : this.#waits === 'always'
  }

  #startTimer(): void {
    this.#stopTimer ??= startTimer({ now: Date.now }, LONGEST_READ, () => this.end())
  }
}

/** Reads a suspect's body. */
export function readBody(
  judge: Judge,
  status: number,
  headers: ResponseHeaders,
  tell: (finding: Finding) => void,
): Reading {
  const text = new TextDecoder()
  let body = ''
  let size = 0
  const end = (): Finding => {
    const verdict = judge.answer(status, joined(headers), body)
    return { verdict, accepts: status < 400 && !verdict.rejected }
  }
  const take = (bytes: Uint8Array): Finding | undefined => {
    body += text.decode(bytes.subarray(0, MOST_READ - size), { stream: true })
    size += bytes.length
    return size >= MOST_READ ? end() : undefined
  }
  return new Reading(headers, { take, end }, 'always', tell)
}

/**
 * Reads an event stream up to its first event.
 *
 * @param mayTakeBack a rejection may be replaced by a second attempt: then it is read to its end
 */
export function readEvents(
  judge: Judge,
  headers: ResponseHeaders,
  mayTakeBack: boolean,
  tell: (finding: Finding) => void,
): Reading {
  const first = new FirstEvent()
  const judged = (event: ServerSentEvent | 'none'): Finding => {
    const verdict = event === 'none' ? undefined : judge.event(event)
    return { verdict: verdict ?? false, accepts: verdict === undefined }
  }
  const take = (bytes: Uint8Array): Finding | undefined => {
    const event = first.push(bytes)
    return event && judged(event)
  }
  const waits = mayTakeBack ? 'for a rejection' : 'never'
  return new Reading(headers, { take, end: () => judged(first.end()) }, waits, tell)
}

/** A header that came more than once, as one (RFC 9110 section 5.3). */
function joined(headers: ResponseHeaders): ResponseHeaders {
  const { 'www-authenticate': challenge } = headers
  return Array.isArray(challenge) ? { ...headers, 'www-authenticate': challenge.join(', ') } : headers
}
