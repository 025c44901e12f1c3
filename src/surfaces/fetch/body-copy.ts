/** A body, read beside whoever reads the body itself. */
export interface BodyCopy {
  /** The next piece; undefined at the end. */
  next(): Promise<Uint8Array | undefined>
  /** No more is wanted. */
  close(): void
}

/** A web stream as one: that of a clone. */
export function webCopy(stream: ReadableStream<Uint8Array>): BodyCopy {
  const reader = stream.getReader()
  return {
    next: async () => (await reader.read()).value,
    close: () => void reader.cancel().catch(() => undefined),
  }
}
