import type { Subscribe } from './lease-table.ts'

interface Subscription {
  readonly begun: Promise<unknown>
  readonly end: () => void
}

/** Wakes the waiters of a topic. It keeps a subscription, and its connection, only while there is a waiter. */
export class Notifications {
  readonly #subscribe: Subscribe
  readonly #waiters = new Map<string, Set<() => void>>()
  #subscription: Subscription | undefined

  constructor(subscribe: Subscribe) {
    this.#subscribe = subscribe
  }

  /**
   * @param over aborts when the caller no longer waits
   * @returns a promise that resolves when notifications begin to arrive, and rejects if none will
   */
  watch(topic: string, wake: () => void, over: AbortSignal): Promise<unknown> {
    const waiters = this.#waiters.get(topic) ?? new Set()
    this.#waiters.set(topic, waiters.add(wake))
    const stop = (): void => {
      waiters.delete(wake)
      if (waiters.size === 0) this.#waiters.delete(topic)
      if (this.#waiters.size === 0) this.#subscription?.end()
    }
    over.addEventListener('abort', stop, { once: true })
    this.#subscription ??= this.#open()
    return this.#subscription.begun
  }

  #open(): Subscription {
    const wake = (topic: string): void => {
      for (const each of this.#waiters.get(topic) ?? []) each()
    }
    const over = new AbortController()
    // Ends this subscription, so that the next waiter makes a new one.
    const end = (): void => {
      if (this.#subscription?.end === end) this.#subscription = undefined
      over.abort()
    }
    const begun = this.#subscribe(wake, end, over.signal)
    begun.catch(end)
    return { begun, end }
  }
}
