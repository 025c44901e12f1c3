import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Source } from '../credential/source.ts'
import { RefreshError, type RefreshErrorCode } from '../errors.ts'
import { type Clock, platformClock } from '../lib/clock.ts'
import { aClock, aFunction, checkedOptions, optionError } from '../lib/options.ts'
import { decodeText } from './shared/decode-text.ts'
import { type ParseOutput, readOutput } from './shared/token-text.ts'

export type { ParseOutput } from './shared/token-text.ts'

/** Options of {@link file}. */
export interface FileOptions {
  /** Reads the token from the file's text, if that text is neither a bare token nor a known kind of JSON. */
  parse?: ParseOutput | undefined
  /** A clock, for tests. Default: the platform's. */
  clock?: Clock | undefined
}

/** bytes */
const LIMIT = 1_048_576
/** Errors that waiting does not mend. Any other error may come from a rotation in progress, or from a mount that is away for a moment. */
const REFUSED: ReadonlySet<unknown> = new Set([
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENOTDIR',
  'ELOOP',
  'ENAMETOOLONG',
])

/**
 * A token in a file that another program renews: a mounted secret, a sidecar, a cron job. The source reads the file each time that a token
 * is needed. While the file still holds the rejected token, the refresh fails with `unchanged`.
 *
 * The file holds a bare token, or JSON as the `command` source reads it. The program that writes the file should replace it by a rename:
 * a file that is written in place may be read half-written. Lifetimes (`expires_in`) count from the file's modification time.
 *
 * `issue` throws a RefreshError: `source_unavailable` (the file is missing or empty), `source_unreachable` (the read failed),
 * `source_refused` (the read is not permitted, or the path is no file), `source_invalid` (the file is larger than 1 MiB, is no text, or
 * holds no token).
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const credential = createCredential({ source: file('/var/run/secrets/tokens/llm') })
 */
export function file(path: string | URL, options: FileOptions = {}): Source {
  const { parse, clock } = checkedOptions(options, { parse: aFunction, clock: [aClock, platformClock] })
  const name = nameOf(path)
  return {
    spendsRefreshToken: false,
    isLocal: true,
    isStatic: true,
    issue: async ({ signal }) => {
      const { bytes, writtenAt } = await read(name, signal)
      const since = Math.min(writtenAt, clock.now())
      return readOutput(decode(bytes, name), { of: `The file ${name}`, since, parse })
    },
  }
}

function nameOf(path: string | URL): string {
  if (path instanceof URL && path.protocol === 'file:') return fileURLToPath(path)
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path
  throw optionError('path', 'must be the path of a file, or a file: URL')
}

async function read(path: string, signal: AbortSignal): Promise<{ bytes: Uint8Array; writtenAt: number }> {
  signal.throwIfAborted()
  let handle: FileHandle | undefined
  try {
    // Opening a pipe without a writer would block, so we open without blocking, and then check the type. Windows has no such flag.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const stats = await handle.stat()
    if (!stats.isFile())
      throw failed('source_refused', `${path} is no file: name the file that holds the token.`)
    if (stats.size > LIMIT)
      throw failed(
        'source_invalid',
        `The file ${path} is larger than 1 MiB: name the one that holds the token.`,
      )
    const bytes = await handle.readFile({ signal })
    // The file may have grown since `stat`, and some file systems report no size.
    if (bytes.length > LIMIT)
      throw failed(
        'source_invalid',
        `The file ${path} is larger than 1 MiB: name the one that holds the token.`,
      )
    return { bytes, writtenAt: stats.mtimeMs }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof RefreshError ? error : unreadable(path, error)
  } finally {
    await handle?.close()
  }
}

function unreadable(path: string, cause: unknown): RefreshError {
  const code: unknown = Reflect.get(Object(cause), 'code')
  if (code === 'ENOENT')
    return failed(
      'source_unavailable',
      `There is no file ${path}: is the path right, and has whatever writes it started?`,
      cause,
    )
  return failed(
    REFUSED.has(code) ? 'source_refused' : 'source_unreachable',
    `The file ${path} cannot be read (${String(code)})${REFUSED.has(code) ? ': check its path, its owner and its mode' : ''}.`,
    cause,
  )
}

function decode(bytes: Uint8Array, path: string): string {
  const text = decodeText(bytes)
  if (text.includes('\uFFFD'))
    throw failed('source_invalid', `The file ${path} is no UTF-8 text: name the one that holds the token.`)
  if (text.trim() === '')
    throw failed(
      'source_unavailable',
      `The file ${path} is empty: whatever writes it has not finished, or should replace it by a rename.`,
    )
  return text
}

function failed(code: RefreshErrorCode, message: string, cause?: unknown): RefreshError {
  return new RefreshError(code, message, cause === undefined ? {} : { cause })
}
