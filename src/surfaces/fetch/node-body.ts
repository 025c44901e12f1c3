import { MOST_READ } from '../../http/judge.ts'
import type { BodyCopy } from './peeked.ts'

/** As much of a `Readable` of Node's as is needed here. */
export interface NodeBody {
  readonly readableLength: number
  readonly readableEnded: boolean
  readonly destroyed: boolean
  read(size?: number): unknown
  unshift(chunk: Uint8Array): void
  on(event: string, listener: (error?: unknown) => void): unknown
  off(event: string, listener: (error?: unknown) => void): unknown
}

/** A stream of bytes, as a fetch gives that is made of Node's `http`: node-fetch, say. */
export function isNodeBody(body: unknown): body is NodeBody {
  const property = (name: string): unknown => Reflect.get(Object(body), name)
  const isReadable = typeof property('unshift') === 'function'
  return isReadable && property('readableObjectMode') === false && property('readableEncoding') === null
}

/** Looks into Node's stream: what it takes out it puts back at once, so that the stream never notices. */
export class NodeBodyCopy implements BodyCopy {
  readonly #body: NodeBody
  #seen = 0
  #stop: () => void = () => undefined

  constructor(body: NodeBody) {
    this.#body = body
  }

  next(): Promise<Uint8Array | undefined> {
    const body = this.#body
    return new Promise((resolve, reject) => {
      const settle = (bytes?: Uint8Array): void => {
        this.close()
        resolve(bytes)
      }
      const look = (): void => {
        // All that is left, where it is over; null where it is not, and less than that is there.
        const all = body.read(MOST_READ + 1)
        const bytes = all ?? (body.readableLength > this.#seen ? body.read() : null)
        if (!(bytes instanceof Uint8Array)) return
        body.unshift(bytes)
        const fresh = bytes.subarray(this.#seen)
        this.#seen = bytes.length
        settle(fresh.length === 0 ? undefined : fresh)
      }
      const end = (): void => settle()
      const fail = (error: unknown): void => {
        this.close()
        reject(error)
      }
      const events = [
        ['readable', look],
        ['end', end],
        ['close', end],
        ['error', fail],
      ] as const
      this.#stop = () => {
        for (const [event, listener] of events) body.off(event, listener)
      }
      if (body.readableEnded || body.destroyed) return resolve(undefined)
      for (const [event, listener] of events) body.on(event, listener)
      look()
    })
  }

  close(): void {
    this.#stop()
  }
}
