import type { Row } from '../../../src/credentials/lease-table.ts'

/** What came of a step of a lease table, but for times. */
export type Outcome =
  | {
      readonly type: 'lock'
      readonly number: number
      readonly abandoned: boolean
      readonly row: Row | undefined
    }
  | { readonly type: 'newer' | 'held' | 'nothing' }
  | { readonly type: 'extended'; readonly holds: boolean }
  | { readonly type: 'row'; readonly row: Row | undefined }

const NOTHING: Outcome = { type: 'nothing' }

/** What a lease table is to do with one key, in memory. */
export class Model {
  #row: Row | undefined
  #fence = 0
  #owner: string | undefined
  #isOver = false
  #abandoned = false

  get revision(): number {
    return this.#row?.revision ?? 0
  }

  /** @param given the number that the table gave: it needs to be higher than all before */
  take(owner: string, known: number | undefined, mayTakeOver: boolean, given: number): Outcome {
    if (this.#owner !== owner) {
      if (known !== undefined && this.revision > known) return { type: 'newer' }
      if (this.#owner !== undefined && !(this.#isOver && mayTakeOver)) return { type: 'held' }
      this.#abandoned ||= this.#owner !== undefined
      this.#fence = Math.max(given, this.#fence + 1, this.revision + 1)
    }
    this.#owner = owner
    this.#isOver = false
    return { type: 'lock', number: this.#fence, abandoned: this.#abandoned, row: this.#row }
  }

  extend(owner: string): Outcome {
    if (this.#owner !== owner) return { type: 'extended', holds: false }
    this.#isOver = false
    return { type: 'extended', holds: true }
  }

  write(owner: string, row: Row): Outcome {
    if (this.#owner === owner) this.#owner = undefined
    // Also where it comes after the lock was given back.
    if (row.revision >= this.#fence) this.#abandoned = false
    if (row.revision > this.revision) this.#row = row
    return this.read()
  }

  free(owner: string): Outcome {
    if (this.#owner === owner) this.#owner = undefined
    return NOTHING
  }

  read(): Outcome {
    return { type: 'row', row: this.#row }
  }

  /** The lease of whoever holds the lock is over. */
  expire(): Outcome {
    this.#isOver = true
    return NOTHING
  }
}
