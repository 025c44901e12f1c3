import { KeyedMutex } from '../lib/keyed-mutex.ts'
import { printAs } from '../lib/print/print-as.ts'
import type { StoreChange, RecordContent, Store, StoredRecord, UpdateOptions } from './store.ts'
import { NONE, tombstone } from './tombstone.ts'

/** A store in the memory of one process, with the same locks and fencing tokens as the other stores. */
export class MemoryStore implements Store {
  readonly #records = new Map<string, StoredRecord>()
  /** The last fencing token of each key. */
  readonly #fences = new Map<string, number>()
  /** Keys whose last holder sent a request that may have redeemed a refresh token, and wrote no record. */
  readonly #abandoned = new Set<string>()
  readonly #mutex = new KeyedMutex()
  /** The holder of each key's lock. A platform may have ended the holder's request, so the entry may be out of date. */
  readonly #holders = new Map<string, { isSent: boolean }>()

  constructor() {
    printAs(this, 'MemoryStore', () => ({ size: this.#records.size }))
  }

  read(key: string): Promise<StoredRecord | undefined> {
    return Promise.resolve(this.#records.get(key))
  }

  update(key: string, change: StoreChange, options: UpdateOptions = {}): Promise<StoredRecord> {
    const { known, signal, isOver } = options
    const run = async (): Promise<StoredRecord> => {
      const current = this.#records.get(key)
      if (current !== undefined && current.revision > (known ?? Infinity)) return current
      const revision = this.#next(key)
      if (this.#holders.get(key)?.isSent === true) this.#abandoned.add(key)
      const holder = { isSent: false }
      this.#holders.set(key, holder)
      let content: RecordContent | undefined
      try {
        content = await change(current, {
          signal: new AbortController().signal,
          abandoned: this.#abandoned.has(key) || current?.failure?.abandoned === true,
          sent: () => (holder.isSent = true),
        })
      } finally {
        if (this.#holders.get(key) === holder) this.#holders.delete(key)
        // A login or a logout came meanwhile, so the sent request no longer matters.
        const isReplaced = (this.#records.get(key)?.revision ?? 0) > revision
        if (content === undefined && holder.isSent && !isReplaced) this.#abandoned.add(key)
      }
      return content === undefined ? (this.#records.get(key) ?? NONE) : this.#write(key, content, revision)
    }
    return this.#mutex.take(key, run, { signal, isOver })
  }

  async replace(
    key: string,
    change: (current: StoredRecord | undefined) => RecordContent,
  ): Promise<StoredRecord> {
    return this.#write(key, change(this.#records.get(key)), this.#next(key))
  }

  async delete(key: string): Promise<void> {
    await this.replace(key, tombstone)
  }

  #next(key: string): number {
    const fence = (this.#fences.get(key) ?? 0) + 1
    this.#fences.set(key, fence)
    return fence
  }

  /** Writes a record, unless a login or a logout has replaced it under a higher number meanwhile. Returns the record in force. */
  #write(key: string, content: RecordContent, revision: number): StoredRecord {
    const inForce = this.#records.get(key)
    if (inForce !== undefined && inForce.revision > revision) return inForce
    const record = { ...content, revision }
    this.#records.set(key, record)
    this.#abandoned.delete(key)
    this.#holders.delete(key)
    return record
  }
}

/**
 * A store in the memory of one process: its records end with the process. A credential makes its own by default. Give the same store to
 * all credentials that share an account.
 */
export function memoryStore(): Store {
  return new MemoryStore()
}
