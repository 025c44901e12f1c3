/** Those who wait on one signal. One listener serves them all: platforms warn of many on one signal. */
const waits = new WeakMap<AbortSignal, Set<() => void>>()

/** Settles with the promise, or rejects with the signal's reason as soon as it aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, () => reject(signal.reason))
    promise.then(resolve, reject).finally(stop)
  })
}

/** Runs something when the signal aborts, or has aborted. Returns what stops it. */
function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run()
  const waiting = waits.get(signal) ?? listen(signal)
  waiting.add(run)
  return () => {
    waiting.delete(run)
    if (waiting.size > 0) return
    waits.delete(signal)
    signal.removeEventListener('abort', abortAll)
  }
}

function listen(signal: AbortSignal): Set<() => void> {
  const waiting = new Set<() => void>()
  waits.set(signal, waiting)
  signal.addEventListener('abort', abortAll)
  return waiting
}

function abortAll(this: AbortSignal): void {
  for (const run of waits.get(this) ?? []) run()
}
