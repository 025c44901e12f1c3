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

/** A stream of bytes, as a fetch gives that is made of Node's `http`: node-fetch, say. */
export function isNodeBody(body: unknown): body is NodeBody {
  const property = (name: string): unknown => Reflect.get(Object(body), name)
  const isReadable = typeof property('unshift') === 'function'
  return isReadable && property('readableObjectMode') === false && property('readableEncoding') === null
}

const EVENTS = ['readable', 'end', 'error', 'close']

/** Looks into Node's stream. It puts back at once the pieces that it takes out, so the stream never notices. */
export class NodeBodyReader implements BodyReader {
  readonly #body: NodeBody
  #seen = 0
  #look: () => void = () => undefined

  constructor(body: NodeBody) {
    this.#body = body
  }

  /** A body that breaks is over: its reader receives the error. */
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
        // All that is left, where it is over; null where it is not, and less than that is there.
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
 * True if no more can come. We must not find this out by reading a body that has ended and is empty: its present listeners would get the
 * end, and later ones never would.
 */
function isOver(body: NodeBody): boolean {
  // The only place that says whether more is to come.
  const state: unknown = Reflect.get(body, '_readableState')
  const isEmpty = body.readableLength === 0 && Reflect.get(Object(state), 'ended') === true
  return isEmpty || body.readableEnded || body.destroyed
}
