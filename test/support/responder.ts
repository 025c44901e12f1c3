import type { RefreshContext } from '../../src/index.ts'

interface Call<T> {
  readonly context: RefreshContext<T>
  resolve(value: T): void
  reject(error: unknown): void
}

/** A refresh function whose calls the test settles, in any order. */
export function responder<T>(): {
  calls: Call<T>[]
  refresh: (context: RefreshContext<T>) => Promise<T>
  /** The n-th call. The first has number 0. */
  call(n: number): Call<T>
} {
  const calls: Call<T>[] = []
  return {
    calls,
    refresh: (context) => new Promise((resolve, reject) => calls.push({ context, resolve, reject })),
    call(n) {
      const call = calls[n]
      if (call === undefined) throw new Error(`The refresh was called ${calls.length} times, not ${n + 1}.`)
      return call
    },
  }
}
