import type { RefreshError } from '../core/errors.ts'
import { decodeRecord, encodeRecord } from './encoding.ts'
import type { LeaseTable, Row } from './lease-table.ts'
import type { Backend, Contender, Lock } from './lock.ts'
import { Notices } from './notices.ts'
import { Patience } from './patience.ts'
import { persistently } from './persistently.ts'
import type { StoredToken } from './store.ts'
import type { AccessToken } from './token.ts'

/** How a server's locks are used. */
export interface LeasedOptions {
  /** ms; the table's own */
  readonly lease: number
  /** How long the server may take to answer, in ms. */
  readonly timeout: number
}

/** Locks and records on a server, for all who reach it. */
export class LeasedBackend implements Backend {
  readonly #table: LeaseTable
  readonly #options: LeasedOptions
  readonly #notices: Notices | undefined

  constructor(table: LeaseTable, options: LeasedOptions) {
    this.#table = table
    this.#options = options
    this.#notices = table.subscribe && new Notices(table.subscribe)
  }

  async read(key: string): Promise<StoredToken | undefined> {
    return this.#opened(key, await this.#ask(() => this.#table.read(key)))
  }

  contend(key: string, known: number | undefined): Contender {
    const patience = new Patience(this.#options.lease)
    return { tryLock: () => this.#tryLock(key, known, patience) }
  }

  watch(key: string, wake: () => void, over: AbortSignal): Promise<unknown> | undefined {
    return this.#notices?.watch(this.#table.topic?.(key) ?? key, wake, over)
  }

  explain(error: unknown): RefreshError {
    return this.#table.explain(error)
  }

  async #tryLock(
    key: string,
    known: number | undefined,
    patience: Patience,
  ): Promise<Lock | 'newer' | number> {
    const [table, owner] = [this.#table, globalThis.crypto.randomUUID()]
    const began = performance.now()
    try {
      const mayTakeOver = patience.isOver
      const taken = await this.#ask(() => table.take(key, owner, known, mayTakeOver))
      patience.answered()
      if (taken.type === 'newer') return 'newer'
      if (taken.type === 'held') return patience.wait(taken.remaining)
      const { number, abandoned, row } = taken
      const current = this.#opened(key, row)
      const renew = (): Promise<boolean> => this.#ask(() => table.extend(key, owner))
      // The lease began when the server took note of it, and its answer may have been long in coming.
      if (performance.now() - began > this.#options.lease / 5 && !(await renew())) return 0
      return {
        current,
        abandoned,
        renew,
        write: (token) => this.#write(key, owner, number, token),
        release: () => this.#ask(() => table.free(key, owner)),
      }
    } catch (error) {
      // It may have been given all the same.
      table.free(key, owner).catch(() => undefined)
      throw error
    }
  }

  async #write(
    key: string,
    owner: string,
    number: number,
    token: AccessToken | undefined,
  ): Promise<StoredToken> {
    const row: Row = { revision: number, text: encodeRecord(key, token) }
    const inForce = await this.#ask(() => this.#table.write(key, owner, row))
    return this.#opened(key, inForce) ?? { token, revision: number }
  }

  #ask<R>(ask: () => Promise<R>): Promise<R> {
    return persistently(ask, (error) => this.#table.isPassing(error), this.#options.timeout / 2)
  }

  /** @throws RefreshError `store_invalid` */
  #opened(key: string, row: Row | undefined): StoredToken | undefined {
    if (row === undefined) return undefined
    const { revision, text } = row
    return { token: decodeRecord(text, key, this.#table.place(key)), revision }
  }
}
