/** An upgraded connection that the caller may not want. No dispatcher owns it any more, so we have to close it. */
export class Upgraded {
  readonly #socket: unknown

  constructor(socket: unknown) {
    this.#socket = socket
    // Listen for errors: without a listener an error would end the process.
    this.#call('on', 'error', ignore)
  }

  /** Leaves the connection to the caller. */
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
  // Do nothing: the connection's owner will notice that it is gone.
}
