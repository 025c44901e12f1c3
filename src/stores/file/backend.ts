import { watch } from 'node:fs'
import { join } from 'node:path'
import type { RecordContent, StoredRecord } from '../../credential/store.ts'
import type { RefreshError } from '../../errors.ts'
import type { Backend, LockWaiter, OnStep } from '../shared/lock.ts'
import { failure } from './failure.ts'
import { Folder } from './folder.ts'
import { Guard } from './guard/guard.ts'
import type { Machine } from './machine.ts'
import { folderName } from './path.ts'
import { readHighest } from './records.ts'
import { replaceRecord } from './replace.ts'
import { FileContender } from './waiter.ts'

/** Options of a file backend. */
export interface FileBackendOptions {
  readonly path: string
  /** ms */
  readonly lease: number
  readonly machine: () => Promise<Machine>
  /** True if other users may write to the folders above the store: see `FileStoreOptions`. */
  readonly trustParent?: boolean | undefined
  readonly onStep?: OnStep | undefined
}

/** Locks and records as numbered files. The file with the highest number is in force. */
export class FileBackend implements Backend {
  readonly #options: FileBackendOptions
  readonly #guard: Guard

  constructor(options: FileBackendOptions) {
    this.#options = options
    this.#guard = new Guard(options.path, options.trustParent === true)
  }

  get where(): string {
    return `The folder ${this.#options.path}`
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    const folder = this.#folder(key)
    return (await folder.check()) ? readHighest(folder, key) : undefined
  }

  lockWaiter(key: string, known: number | undefined): LockWaiter {
    const { machine, lease } = this.#options
    return new FileContender(this.#folder(key), key, { known, machine, lease })
  }

  /** Watches the folder. Some file systems report no changes of other hosts. There the waiters look again after a pause. */
  watch(key: string, wake: () => void, over: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const watcher = watch(this.#folder(key).path, (_, name) => {
        if (name === null || /\.released$|\.json$/u.test(name)) wake()
      })
      const stop = (): void => watcher.close()
      watcher.on('error', stop)
      over.addEventListener('abort', stop, { once: true })
      resolve()
    })
  }

  async replace(
    key: string,
    change: (current: StoredRecord | undefined) => RecordContent,
  ): Promise<StoredRecord> {
    return replaceRecord(this.#folder(key), key, change)
  }

  placeOf(key: string): string {
    return join(this.#options.path, folderName(key))
  }

  explain(error: unknown): RefreshError {
    return failure(error, this.#options.path)
  }

  #folder(key: string): Folder {
    return new Folder(this.placeOf(key), this.#guard, this.#options.onStep)
  }
}
