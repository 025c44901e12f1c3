/** The callers that wait with one signal. One listener serves them all, because platforms warn of many listeners on one signal. */
interface Waits {
  readonly ends: Set<() => void>
  readonly endAll: () => void
}

const waits = new WeakMap<AbortSignal, Waits>()

/** Settles with the promise, or rejects with the signal's reason as soon as it aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const end = (): void => reject(reasonOf(signal))
    if (signal.aborted) end()
    const { ends, endAll } = waits.get(signal) ?? remember(signal)
    if (ends.size === 0) signal.addEventListener('abort', endAll)
    ends.add(end)
    // Not `finally()`, which makes three more promises.
    const ending =
      <V>(settle: (value: V) => void) =>
      (value: V): void => {
        ends.delete(end)
        if (ends.size === 0) signal.removeEventListener('abort', endAll)
        settle(value)
      }
    promise.then(ending(resolve), ending(reject))
  })
}

function remember(signal: AbortSignal): Waits {
  const ends = new Set<() => void>()
  const created = {
    ends,
    endAll: () => {
      for (const end of ends) end()
    },
  }
  waits.set(signal, created)
  return created
}

/**
 * Why a signal has aborted. React Native's signals have no `reason`: for those, an `AbortError` as other platforms make it.
 */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason === undefined ? abortError() : signal.reason
}

/**
 * Does what `signal.throwIfAborted()` does, which React Native's signals do not have.
 *
 * @throws the signal's reason
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw reasonOf(signal)
}

/** A signal that aborts with another signal or with a controller. */
export interface Followed {
  readonly signal: AbortSignal
  /** Stops listening to the other signal. The caller calls it once nothing is left to abort, because the other signal may live for long. */
  release(): void
}

/**
 * A signal that aborts when the controller or the other signal does. React Native and older browsers lack `AbortSignal.any`, and that
 * function takes only the platform's own signals.
 */
export function following(other: AbortSignal | undefined, controller: AbortController): Followed {
  const { signal } = controller
  if (other === undefined) return { signal, release: () => undefined }
  if (typeof Reflect.get(AbortSignal, 'any') === 'function' && other instanceof AbortSignal) {
    return { signal: AbortSignal.any([other, signal]), release: () => undefined }
  }
  const follow = (): void => controller.abort(reasonOf(other))
  if (other.aborted) follow()
  else other.addEventListener('abort', follow)
  return { signal, release: () => other.removeEventListener('abort', follow) }
}

function abortError(): Error {
  const message = 'This operation was aborted'
  if (typeof DOMException === 'function') return new DOMException(message, 'AbortError')
  return Object.assign(new Error(message), { name: 'AbortError' })
}
