import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import type { Row, RowWritten, Taken } from './lease-table.ts'
import type { Lock, Written } from './lock.ts'

/** The operations that a lock needs from its server. The key and the owner's name are fixed. */
export interface LockServer {
  extend(number: number): Promise<boolean>
  write(row: Row): Promise<RowWritten>
  free(abandoned: boolean, number: number): Promise<void>
  /** Tries again for a while, without keeping the process alive. */
  inBackground<R>(ask: () => Promise<R>): Promise<R>
  opened(row: Row): StoredRecord | undefined
  encoded(content: RecordContent): string
}

/** A lock that is a lease on a server. */
export class LeasedLock implements Lock {
  readonly current: StoredRecord | undefined
  readonly abandoned: boolean
  readonly #server: LockServer
  readonly #number: number
  #hasEnded = false

  /** @throws RefreshError `store_invalid` */
  constructor(server: LockServer, { number, abandoned, row }: Taken & { type: 'lock' }) {
    this.#server = server
    this.#number = number
    this.current = row && server.opened(row)
    // The record may tell so too: a holder that found the lock abandoned, and then failed, wrote that into the record's failure.
    this.abandoned = abandoned || this.current?.failure?.abandoned === true
  }

  /** Renews in the background, so that a refresh that hangs does not keep the process alive. */
  renew(): Promise<boolean> {
    // Begin no try after the release: on a server that has forgotten the lock, it would acquire the lock anew.
    const extend = async (): Promise<boolean> => !this.#hasEnded && this.#server.extend(this.#number)
    return this.#server.inBackground(extend)
  }

  async write(content: RecordContent): Promise<Written> {
    const written: Row = { revision: this.#number, text: this.#server.encoded(content) }
    const { row, before } = await this.#server.write(written)
    this.#hasEnded = true
    return {
      record: this.#server.opened(row) ?? { ...content, revision: this.#number },
      hasVanished: before < (this.current?.revision ?? 0),
    }
  }

  release(abandoned: boolean): Promise<void> {
    this.#hasEnded = true
    return this.#server.free(abandoned, this.#number)
  }
}
