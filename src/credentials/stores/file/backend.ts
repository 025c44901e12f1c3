import { watch } from 'node:fs'
import { join } from 'node:path'
import type { RefreshError } from '../../../core/errors.ts'
import type { Backend, Contender, OnStep } from '../../lock.ts'
import type { StoredToken } from '../../store.ts'
import { FileContender } from './contender.ts'
import { failure } from './failure.ts'
import { Folder } from './folder.ts'
import type { Machine } from './machine.ts'
import { folderName } from './path.ts'
import { readHighest } from './records.ts'

/** Where the files are, and who works with them. */
export interface FileBackendOptions {
  readonly path: string
  /** ms */
  readonly lease: number
  readonly machine: () => Promise<Machine>
  readonly onStep?: OnStep | undefined
}

/** Locks and records as numbered files, of which the highest is in force. */
export class FileBackend implements Backend {
  readonly #options: FileBackendOptions

  constructor(options: FileBackendOptions) {
    this.#options = options
  }

  read(key: string): Promise<StoredToken | undefined> {
    return readHighest(this.#folder(key), key)
  }

  contend(key: string, known: number | undefined): Contender {
    const { machine, lease } = this.#options
    return new FileContender(this.#folder(key), key, { known, machine, lease })
  }

  /** Not every file system tells what others do to it: then waiters look by themselves. */
  watch(key: string, wake: () => void, over: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const watcher = watch(this.#folder(key).path, (_, name) => {
        if (name === null || name.endsWith('.released')) wake()
      })
      const stop = (): void => watcher.close()
      watcher.on('error', stop)
      over.addEventListener('abort', stop, { once: true })
      resolve()
    })
  }

  explain(error: unknown): RefreshError {
    return failure(error, this.#options.path)
  }

  #folder(key: string): Folder {
    const { path, onStep } = this.#options
    return new Folder(join(path, folderName(key)), onStep)
  }
}
