import { utf8 } from '../../lib/utf8.ts'
import { MOST_READ } from './limits.ts'

/** One event of an event stream (HTML standard, section 9.2). */
export interface ServerSentEvent {
  /** Empty if the event has no name. */
  readonly name: string
  readonly data: string
}

/** Sent to keep a connection open; no part of the response. */
const HEARTBEAT = /^(?:ping|keep-?alive|heartbeat)$/i
const HEARTBEAT_DATA = /^\{\s*"type"\s*:\s*"(?:ping|keep-?alive|heartbeat)"/i

/** Looks for the first event in the bytes of an event stream. Comments and heartbeats are passed over. */
export class FirstEvent {
  readonly #decoder = utf8()
  #read = 0
  /** The line that is not complete yet. */
  #rest = ''
  #afterCarriageReturn = false
  #name = ''
  #data: string[] = []

  /** The event, once it is complete; `none` if it takes too long; undefined if more must be read. */
  push(bytes: Uint8Array): ServerSentEvent | 'none' | undefined {
    const looked = bytes.subarray(0, MOST_READ - this.#read)
    this.#read += bytes.length
    return (
      this.#lines(this.#decoder.decode(looked, { stream: true })) ??
      (this.#read < MOST_READ ? undefined : 'none')
    )
  }

  /** The stream is over: an event need not have been closed. */
  end(): ServerSentEvent | 'none' {
    return this.#line(this.#rest) ?? this.#line('') ?? 'none'
  }

  #lines(given: string): ServerSentEvent | undefined {
    if (given === '') return undefined
    const text = this.#afterCarriageReturn && given.startsWith('\n') ? given.slice(1) : given
    this.#afterCarriageReturn = text.endsWith('\r')
    const lines = text.split(/\r\n|\r|\n/)
    lines[0] = this.#rest + lines[0]
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = this.#line(line)
      if (event !== undefined) return event
    }
    return undefined
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch()
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'event') this.#name = value
    if (field === 'data') this.#data.push(value)
    // Some gateways send an error's bare JSON as their event stream. No field begins so.
    else if (/^\s*["{}[\]]/.test(line)) this.#data.push(line)
    return undefined
  }

  #dispatch(): ServerSentEvent | undefined {
    const event = { name: this.#name, data: this.#data.join('\n') }
    const isEmpty = this.#data.length === 0
    this.#name = ''
    this.#data = []
    const passedOver = isEmpty || HEARTBEAT.test(event.name) || HEARTBEAT_DATA.test(event.data)
    return passedOver ? undefined : event
  }
}
