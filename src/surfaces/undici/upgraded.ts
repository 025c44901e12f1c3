/** A connection that was upgraded, and whose caller may not want it: it belongs to no dispatcher any more. */
export class Upgraded {
  readonly #socket: unknown

  constructor(socket: unknown) {
    this.#socket = socket
    // An error without a listener would end the process.
    this.#call('on', 'error', ignore)
  }

  /** The caller takes the connection. */
  release(): void {
    this.#call('off', 'error', ignore)
  }

  destroy(): void {
    this.#call('destroy')
  }

  #call(name: string, ...given: unknown[]): void {
    const method: unknown = Reflect.get(Object(this.#socket), name)
    if (typeof method === 'function') Reflect.apply(method, this.#socket, given)
  }
}

function ignore(): void {
  // the connection is gone, which its owner will see
}
