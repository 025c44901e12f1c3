import { resolve } from 'node:path'
import type { Store } from '../../credential/store.ts'
import { aBoolean, checkedOptions, from, type OptionTable, optionError } from '../../lib/options.ts'
import { MAX_LOCKS } from '../../lib/slots.ts'
import type { StoreEntry } from '../shared/entry.ts'
import { type ExclusiveOptions, ExclusiveStore } from '../shared/exclusive-store.ts'
import { FileBackend } from './backend.ts'
import { inspectFolder } from './inspect.ts'
import { thisMachine } from './machine.ts'
import { defaultPath } from './path.ts'

export type { StoreEntry, StoreEntryHolder } from '../shared/entry.ts'

/** Options of a file store. */
export interface FileStoreOptions {
  /**
   * The folder. It is made if it is missing, and holds a folder for each account.
   *
   * Default: `$XDG_STATE_HOME/llm-refresh` or `~/.local/state/llm-refresh`; `~/Library/Application Support/llm-refresh` on macOS,
   * `%LOCALAPPDATA%\llm-refresh` on Windows.
   */
  path?: string | undefined
  /**
   * Other users may write to the folders above `path`, or to `path` itself, as in volumes of containers (`emptyDir`, `fsGroup`): the store
   * refuses to work there unless you say that only your own programs reach them. The folders of the accounts are closed all the same.
   * It goes with a `path` only.
   * @default false
   */
  trustParent?: boolean | undefined
  /**
   * How long a lock outlives its holder's last sign of life, in ms, if this process cannot see the holder, because it runs in another
   * container or on another host. A vanished holder that it can see is recognized at once.
   * @default 10_000
   */
  lease?: number | undefined
  /**
   * How long the file system may take to respond, in ms.
   * @default 10_000
   */
  timeout?: number | undefined
  /**
   * The number of locks that the store takes at a time, for all accounts together. The other accounts wait for their turn.
   * @default 64
   */
  maxLocks?: number | undefined
}

/**
 * A store in files: for all processes of a machine, and for containers that share a folder.
 *
 * Its folders are closed to other users (0700, files 0600). A token is on the disk before it is in force, and no file is ever
 * replaced. The file system must know hard links; a network file system is only as safe as its own `link()`.
 *
 * @throws RefreshError `invalid_option`; later `store_failed`, and `store_invalid` if a record is damaged or another program's
 * @example
 * const credential = createCredential({ source: oauth({ issuer, clientId }), store: fileStore(), key: 'me@example.com' })
 */
export function fileStore(options: FileStoreOptions = {}): Store {
  const { path, trustParent, ...locking } = readFileOptions(options)
  const { lease } = locking
  return new ExclusiveStore(new FileBackend({ path, trustParent, lease, machine: thisMachine }), locking)
}

/**
 * The state of each account in a file store, without secrets.
 *
 * @throws RefreshError `invalid_option`, `store_failed`
 */
export async function inspectFileStore(
  options: Pick<FileStoreOptions, 'path' | 'trustParent'> = {},
): Promise<StoreEntry[]> {
  const { path, trustParent } = readFileOptions(options)
  return inspectFolder(path, trustParent)
}

const OPTIONS = {
  path: (given) =>
    given === undefined || (typeof given === 'string' && !/^$|\0/.test(given))
      ? undefined
      : 'must be the path of a folder',
  trustParent: [aBoolean, false],
  lease: [from(100), 10_000],
  timeout: [from(1), 10_000],
  maxLocks: MAX_LOCKS,
} satisfies OptionTable<FileStoreOptions>

interface ReadOptions extends ExclusiveOptions {
  readonly path: string
  readonly trustParent: boolean
}

function readFileOptions(options: FileStoreOptions): ReadOptions {
  const { path, ...read } = checkedOptions(options, OPTIONS)
  if (read.trustParent && path === undefined)
    throw optionError('trustParent', 'must come with a path: only a folder that you name is trusted so')
  return { path: resolve(path ?? defaultPath(process.platform)), ...read }
}
