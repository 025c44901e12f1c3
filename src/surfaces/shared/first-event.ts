import { utf8 } from '../../lib/utf8.ts'
import { MOST_READ } from './limits.ts'

/** One event of an event stream (HTML standard, section 9.2). */
export interface ServerSentEvent {
  /** Empty if the event has no name. */
  readonly name: string
  readonly data: string
}

/** Events that only keep a connection open. They are not part of the response. */
const HEARTBEAT = /^(?:ping|keep-?alive|heartbeat)$/i
const HEARTBEAT_DATA = /^\{\s*"type"\s*:\s*"(?:ping|keep-?alive|heartbeat)"/i

/** Looks for the first event in the bytes of an event stream. Skips comments and heartbeats. */
export class FirstEvent {
  readonly #decoder = utf8()
  #read = 0
  /** The line that is still incomplete. */
  #rest = ''
  #afterCarriageReturn = false
  #name = ''
  #data: string[] = []

  /** The first event, once it is complete. `none` if the first 64 KiB hold none. undefined if more bytes are needed. */
  push(bytes: Uint8Array): ServerSentEvent | 'none' | undefined {
    const looked = bytes.subarray(0, MOST_READ - this.#read)
    this.#read += bytes.length
    return (
      this.#lines(this.#decoder.decode(looked, { stream: true })) ??
      (this.#read < MOST_READ ? undefined : 'none')
    )
  }

  /** Ends the stream. Its last event may lack the empty line after it. */
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
    // Some gateways send the bare JSON of an error as their event stream. No field of an event begins like this.
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
