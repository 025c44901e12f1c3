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
   * The store's folder, which contains a folder for each account. The store makes it if it is missing.
   *
   * Default: `$XDG_STATE_HOME/llm-refresh` or `~/.local/state/llm-refresh`; `~/Library/Application Support/llm-refresh` on macOS,
   * `%LOCALAPPDATA%\llm-refresh` on Windows.
   */
  path?: string | undefined
  /**
   * True if you know that only your own programs can reach the folders above `path`, and `path` itself, although other users may write there,
   * as in volumes of containers (`emptyDir`, `fsGroup`). Without it the store refuses to work in such folders. The store closes the folders
   * of the accounts to other users in any case. It needs a `path`.
   * @default false
   */
  trustParent?: boolean | undefined
  /**
   * How long a lock outlives its holder's last sign of life, in ms, if the holder runs in another container or on another host, where this
   * process cannot see it. If a holder on the same machine vanishes, waiters notice that at once.
   * @default 10_000
   */
  lease?: number | undefined
  /**
   * How long the file system may take to respond, in ms.
   * @default 10_000
   */
  timeout?: number | undefined
  /**
   * The number of locks that the store holds or waits for at a time, for all accounts together. The other accounts wait for their turn.
   * @default 64
   */
  maxLocks?: number | undefined
}

/**
 * A store in files: for all processes of a machine, and for containers that share a folder.
 *
 * The store closes its folders to other users (0700, files 0600). It writes a token to the disk before the token is in force, and it never
 * replaces a file. The file system must support hard links; a network file system is only as safe as its own `link()`.
 *
 * @throws RefreshError `invalid_option`; later `store_failed`, and `store_invalid` if a record is damaged or of another program
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
