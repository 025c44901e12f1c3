import type { Subscribe } from './lease-table.ts'

/** Wakes those who wait for a key. There is a subscription, and its connection, only while somebody waits. */
export class Notices {
  readonly #subscribe: Subscribe
  readonly #waiters = new Map<string, Set<() => void>>()
  #subscribed: Promise<() => unknown> | undefined

  constructor(subscribe: Subscribe) {
    this.#subscribe = subscribe
  }

  /** @returns what ends it; rejects where there will be no notices */
  async watch(key: string, wake: () => void): Promise<() => void> {
    const waiters = this.#waiters.get(key) ?? new Set()
    this.#waiters.set(key, waiters.add(wake))
    const stop = (): void => {
      if (waiters.delete(wake) && waiters.size === 0) this.#waiters.delete(key)
      if (this.#waiters.size === 0) this.#close()
    }
    this.#subscribed ??= this.#subscribe((freed) => {
      for (const each of this.#waiters.get(freed) ?? []) each()
    })
    try {
      await this.#subscribed
    } catch (error) {
      this.#subscribed = undefined
      stop()
      throw error
    }
    return stop
  }

  #close(): void {
    const subscribed = this.#subscribed
    this.#subscribed = undefined
    subscribed?.then((unsubscribe) => unsubscribe()).catch(() => undefined)
  }
}
