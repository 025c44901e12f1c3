/** Those who wait on one signal. One listener serves them all: platforms warn of many on one signal. */
const waits = new WeakMap<AbortSignal, Set<() => void>>()

/** Settles with the promise, or rejects with the signal's reason as soon as it aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reasonOf(signal))
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

/** Why a signal has aborted. Some platforms' signals do not tell (React Native's): then the error that a platform would give. */
export function reasonOf(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason
  if (reason !== undefined) return reason
  const message = 'This operation was aborted'
  if (typeof DOMException === 'function') return new DOMException(message, 'AbortError')
  return Object.assign(new Error(message), { name: 'AbortError' })
}

/** Throws the signal's reason, if it has aborted. Not every platform's signal can do so by itself. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw reasonOf(signal)
}
