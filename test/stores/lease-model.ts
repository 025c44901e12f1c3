import type { Row, RowWritten } from '../../src/stores/shared/lease-table.ts'

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
  | ({ readonly type: 'written' } & RowWritten)

const NOTHING: Outcome = { type: 'nothing' }

/** What a server keeps of one key. */
interface Kept {
  readonly row: Row | undefined
  readonly fence: number
  readonly owner: string | undefined
  readonly isOver: boolean
  readonly abandoned: boolean
}

const EMPTY: Kept = { row: undefined, fence: 0, owner: undefined, isOver: false, abandoned: false }

/** What a lease table is to do with one key, in memory. */
export class Model {
  #kept = EMPTY
  #copy = EMPTY

  get revision(): number {
    return this.#kept.row?.revision ?? 0
  }

  /** @param given the number that the table gave: it needs to be higher than all before */
  take(owner: string, known: number | undefined, mayTakeOver: boolean, given: number): Outcome {
    if (this.#kept.owner !== owner) {
      const { fence, isOver } = this.#kept
      const isHeld = this.#kept.owner !== undefined
      if (known !== undefined && this.revision > known) return { type: 'newer' }
      if (isHeld && !(isOver && mayTakeOver)) return { type: 'held' }
      // The record has gone, or an older copy came back: the holder of an unsaved token comes first.
      if (known !== undefined && this.revision < known && !mayTakeOver) return { type: 'held' }
      this.#change({
        abandoned: (this.#kept.abandoned || isHeld) && this.revision < fence,
        fence: Math.max(given, fence + 1, this.revision + 1, (known ?? 0) + 1),
        owner,
      })
    }
    this.#change({ isOver: false })
    const { fence: number, abandoned, row } = this.#kept
    return { type: 'lock', number, abandoned, row }
  }

  extend(owner: string, number: number): Outcome {
    const isForgotten = this.#isForgotten(number)
    if (this.#kept.owner !== owner && !isForgotten) return { type: 'extended', holds: false }
    this.#change({ owner, isOver: false, fence: Math.max(this.#kept.fence, number) })
    return { type: 'extended', holds: true }
  }

  write(owner: string, row: Row): Outcome {
    const before = this.revision
    if (this.#kept.owner === owner) this.#change({ owner: undefined })
    // Also where it comes after the lock was released.
    if (row.revision >= this.#kept.fence) this.#change({ abandoned: false, fence: row.revision })
    if (row.revision > before) this.#change({ row })
    return { type: 'written', row: this.#kept.row ?? row, before }
  }

  /** @param given the revision that the table gave */
  swap(seen: number, text: string, given: number): Outcome {
    if (this.revision !== seen) return { type: 'row', row: undefined }
    const revision = Math.max(given, this.#kept.fence + 1, this.revision + 1)
    this.#change({ row: { revision, text }, fence: revision, abandoned: false })
    return this.read()
  }

  free(owner: string, abandoned: boolean, number: number): Outcome {
    const isForgotten = this.#isForgotten(number)
    if (this.#kept.owner !== owner && !isForgotten) return NOTHING
    this.#change({
      owner: undefined,
      abandoned: this.#kept.abandoned || abandoned,
      fence: Math.max(this.#kept.fence, number),
    })
    return NOTHING
  }

  read(): Outcome {
    return { type: 'row', row: this.#kept.row }
  }

  /** The lease of the holder, if there is one, is over. */
  expire(): Outcome {
    this.#change({ isOver: true })
    return NOTHING
  }

  /** The server comes back empty. */
  forget(): Outcome {
    this.#kept = EMPTY
    return NOTHING
  }

  /** A copy is made, to which the server comes back some time. */
  copy(): Outcome {
    this.#copy = this.#kept
    return NOTHING
  }

  restore(): Outcome {
    this.#kept = this.#copy
    return NOTHING
  }

  #isForgotten(number: number): boolean {
    return this.#kept.fence < number && this.revision < number
  }

  #change(change: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...change }
  }
}
