import type { Subscribe } from './lease-table.ts'

/** Wakes those who wait for a topic. There is a subscription, and its connection, only while somebody waits. */
export class Notices {
  readonly #subscribe: Subscribe
  readonly #waiters = new Map<string, Set<() => void>>()
  #subscribed: Promise<() => unknown> | undefined

  constructor(subscribe: Subscribe) {
    this.#subscribe = subscribe
  }

  /** @returns what ends it; rejects where there will be no notices */
  async watch(topic: string, wake: () => void): Promise<() => void> {
    const waiters = this.#waiters.get(topic) ?? new Set()
    this.#waiters.set(topic, waiters.add(wake))
    const stop = (): void => {
      if (waiters.delete(wake) && waiters.size === 0) this.#waiters.delete(topic)
      if (this.#waiters.size === 0) this.#close()
    }
    const subscribed = (this.#subscribed ??= this.#open())
    try {
      await subscribed
    } catch (error) {
      this.#forget(subscribed)
      stop()
      throw error
    }
    return stop
  }

  #open(): Promise<() => unknown> {
    const wake = (topic: string): void => {
      for (const each of this.#waiters.get(topic) ?? []) each()
    }
    const subscribed = this.#subscribe(wake, () => this.#forget(subscribed))
    return subscribed
  }

  /** Who waits next subscribes anew. */
  #forget(subscribed: Promise<() => unknown>): void {
    if (this.#subscribed === subscribed) this.#subscribed = undefined
  }

  #close(): void {
    const subscribed = this.#subscribed
    this.#subscribed = undefined
    subscribed?.then((unsubscribe) => unsubscribe()).catch(() => undefined)
  }
}
