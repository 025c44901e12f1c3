import { MOST_READ } from '../shared/limits.ts'
import type { BodyReader } from './body-reader.ts'

/** The part of Node's `Readable` that this file uses. */
export interface NodeBody {
  readonly readableLength: number
  readonly readableEnded: boolean
  readonly destroyed: boolean
  read(size?: number): unknown
  unshift(chunk: Uint8Array): void
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** True for a Node stream of bytes. A fetch that uses Node's `http`, such as node-fetch, returns such bodies. */
export function isNodeBody(body: unknown): body is NodeBody {
  const property = (name: string): unknown => Reflect.get(Object(body), name)
  const isReadable = typeof property('unshift') === 'function'
  return isReadable && property('readableObjectMode') === false && property('readableEncoding') === null
}

const EVENTS = ['readable', 'end', 'error', 'close']

/** Reads a Node stream without consuming it: it puts each piece back at once, so that the caller still gets all of it. */
export class NodeBodyReader implements BodyReader {
  readonly #body: NodeBody
  #seen = 0
  #look: () => void = () => undefined

  constructor(body: NodeBody) {
    this.#body = body
  }

  /** The next piece. A broken body counts as ended: the caller's reader receives the error. */
  next(): Promise<Uint8Array | undefined> {
    const body = this.#body
    if (isOver(body)) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const settle = (bytes?: Uint8Array): void => {
        this.close()
        resolve(bytes)
      }
      this.#look = () => {
        if (isOver(body)) return settle()
        // `read()` returns all that is left if the stream has ended. Otherwise it returns null if fewer bytes are there.
        const all = body.read(MOST_READ + 1)
        const bytes = all ?? (body.readableLength > this.#seen ? body.read() : null)
        if (!(bytes instanceof Uint8Array)) return
        body.unshift(bytes)
        const fresh = bytes.subarray(this.#seen)
        this.#seen = bytes.length
        settle(fresh.length === 0 ? undefined : fresh)
      }
      for (const event of EVENTS) body.on(event, this.#look)
      this.#look()
    })
  }

  close(): void {
    for (const event of EVENTS) this.#body.off(event, this.#look)
  }
}

/**
 * True if no more can come. A `read()` must not find this out: on an empty stream that has ended it would emit `end` to the present
 * listeners, and later listeners would never get it.
 */
function isOver(body: NodeBody): boolean {
  // No other property says whether more is to come.
  const state: unknown = Reflect.get(body, '_readableState')
  const isEmpty = body.readableLength === 0 && Reflect.get(Object(state), 'ended') === true
  return isEmpty || body.readableEnded || body.destroyed
}
