/** Those who wait on one signal. One listener serves them all: platforms warn of many on one signal. */
const waits = new WeakMap<AbortSignal, Set<() => void>>()

/** Settles with the promise, or rejects with the signal's reason as soon as it aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    const waiting = waits.get(signal) ?? new Set()
    if (waiting.size === 0) signal.addEventListener('abort', abortAll)
    waits.set(signal, waiting.add(abort))
    promise.then(resolve, reject).finally(() => {
      waiting.delete(abort)
      if (waiting.size === 0) signal.removeEventListener('abort', abortAll)
    })
  })
}

function abortAll(this: AbortSignal): void {
  for (const abort of waits.get(this) ?? []) abort()
}
