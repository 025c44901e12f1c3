import type { Subscribe } from './lease-table.ts'
import type { Subscription } from './lock.ts'

/** Wakes those who wait for a topic. There is a subscription, and its connection, only while somebody waits. */
export class Notices {
  readonly #subscribe: Subscribe
  readonly #waiters = new Map<string, Set<() => void>>()
  #subscription: Subscription | undefined

  constructor(subscribe: Subscribe) {
    this.#subscribe = subscribe
  }

  watch(topic: string, wake: () => void): Subscription {
    const waiters = this.#waiters.get(topic) ?? new Set()
    this.#waiters.set(topic, waiters.add(wake))
    const subscription = (this.#subscription ??= this.#open())
    const end = (): void => {
      if (waiters.delete(wake) && waiters.size === 0) this.#waiters.delete(topic)
      if (this.#waiters.size === 0) this.#close(this.#subscription)
    }
    const begun = subscription.begun.catch((error: unknown) => {
      this.#close(subscription)
      end()
      throw error
    })
    return { begun, end }
  }

  #open(): Subscription {
    const wake = (topic: string): void => {
      for (const each of this.#waiters.get(topic) ?? []) each()
    }
    let opened: Subscription | undefined
    const begun = (async () => {
      opened = this.#subscribe(wake, () => this.#close(subscription))
      await opened.begun
    })()
    const subscription: Subscription = { begun, end: () => opened?.end() }
    return subscription
  }

  /** Who waits next subscribes anew. */
  #close(subscription: Subscription | undefined): void {
    if (subscription === undefined || subscription !== this.#subscription) return
    this.#subscription = undefined
    // What has ended by itself may say so.
    const ended = (async () => subscription.end())()
    ended.catch(() => undefined)
  }
}
