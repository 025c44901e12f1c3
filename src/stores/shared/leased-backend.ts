import type { Finding } from '../../core/events.ts'
import { decodeRecord, encodeRecord } from '../../credential/record/record-format.ts'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import type { RefreshError } from '../../errors.ts'
import { retryWhile } from '../../lib/retry-while.ts'
import type { LeaseTable, Row, Taken } from './lease-table.ts'
import { LeasedLock } from './leased-lock.ts'
import type { Backend, LockWaiter, Lock } from './lock.ts'
import { Notifications } from './notifications.ts'
import { replaceRow } from './replace-row.ts'
import { TakeoverDelay } from './takeover.ts'

/** Options of a server's locks. */
export interface LeasedOptions {
  /** ms; the same as the lease of the table */
  readonly lease: number
  /** How long the server may take to respond, in ms. */
  readonly timeout: number
}

/** Locks and records on a server, for all processes and hosts that reach it. */
export class LeasedBackend implements Backend {
  readonly #table: LeaseTable
  readonly #options: LeasedOptions
  readonly #notifications: Notifications | undefined
  /** Errors from `explain()` after which trying again cannot help. */
  readonly #final = new WeakSet<object>()

  constructor(table: LeaseTable, options: LeasedOptions) {
    this.#table = table
    this.#options = options
    this.#notifications = table.subscribe && new Notifications(table.subscribe)
  }

  get where(): string | undefined {
    return this.#table.where
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    return this.#opened(key, await this.#ask(() => this.#table.read(key)))
  }

  lockWaiter(key: string, known: number | undefined): LockWaiter {
    const delay = new TakeoverDelay(this.#options.lease)
    return { tryLock: () => this.#tryLock(key, known, delay) }
  }

  watch(key: string, wake: () => void, over: AbortSignal): Promise<unknown> | undefined {
    return this.#notifications?.watch(this.#table.topic?.(key) ?? key, wake, over)
  }

  replace(key: string, change: (current: StoredRecord | undefined) => RecordContent): Promise<StoredRecord> {
    return replaceRow(
      {
        read: () => this.#ask(() => this.#table.read(key)),
        swap: (seen, text) => this.#table.swap(key, seen, text),
        isPassing: (error) => this.#isPassing(error),
        isRefusal: (error) => this.#table.isRefusal(error),
        opened: (row) => this.#opened(key, row),
        encoded: (content) => encodeRecord(key, content),
        timeout: this.#options.timeout,
      },
      change,
    )
  }

  explain(error: unknown): RefreshError {
    const explained = this.#table.explain(error)
    if (this.#table.isEnded?.(error) === true) this.#final.add(explained)
    return explained
  }

  isFinal(error: unknown): boolean {
    return (
      (typeof error === 'object' && error !== null && this.#final.has(error)) ||
      this.#table.isEnded?.(error) === true
    )
  }

  findings(): readonly Finding[] {
    return this.#table.findings?.() ?? []
  }

  async #tryLock(
    key: string,
    known: number | undefined,
    delay: TakeoverDelay,
  ): Promise<Lock | 'newer' | number> {
    const [table, owner] = [this.#table, globalThis.crypto.randomUUID()]
    const began = performance.now()
    let taken: Taken | undefined
    try {
      taken = await this.#ask(async () => {
        try {
          return await table.take(key, owner, known, delay.isOver)
        } catch (error) {
          // A server without room still responds to waiters, but takes no renewal from the holder. So the delay begins anew, to give the
          // holder time to renew its lease once the server has room.
          delay.failed()
          throw error
        }
      })
      delay.answered()
      if (taken.type === 'newer') return 'newer'
      if (taken.type === 'held') return delay.wait(taken.remaining)
      const lock = new LeasedLock(
        {
          extend: (number) => table.extend(key, owner, number),
          write: (row) => this.#ask(() => table.write(key, owner, row)),
          free: (abandoned, number) => this.#ask(() => table.free(key, owner, abandoned, number)),
          inBackground: (ask) => this.#ask(ask, true),
          opened: (row) => this.#opened(key, row),
          encoded: (content) => encodeRecord(key, content),
        },
        taken,
      )
      // The lease began when the server handled the request. If the response was slow, renew the lease before its holder uses it.
      if (performance.now() - began > this.#options.lease / 5 && !(await lock.renew())) return 0
      return lock
    } catch (error) {
      // The server may have given the lock although the request failed, so release it.
      const number = taken?.type === 'lock' ? taken.number : undefined
      table.free(key, owner, false, number).catch(() => undefined)
      throw error
    }
  }

  #ask<R>(ask: () => Promise<R>, isBackground = false): Promise<R> {
    const longest = this.#options.timeout / 2
    return retryWhile(ask, (error) => this.#isPassing(error), longest, isBackground)
  }

  #isPassing(error: unknown): boolean {
    return this.#table.isPassing(error) && this.#table.isEnded?.(error) !== true
  }

  /** @throws RefreshError `store_invalid` */
  #opened(key: string, row: Row | undefined): StoredRecord | undefined {
    if (row === undefined) return undefined
    const { revision, text } = row
    return { ...decodeRecord(text, key, this.#table.place(key)), revision }
  }
}
