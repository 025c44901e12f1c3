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

/** How a file is read. */
export interface FileOptions {
  /** Reads the token out of the file's text, where that is neither a bare token nor one of the known kinds of JSON. */
  parse?: ParseOutput | undefined
  /** Time, for tests to control. Default: the platform's. */
  clock?: Clock | undefined
}

/** bytes */
const LIMIT = 1_048_576
/** What no waiting mends. Anything else may be a rotation that is under way, or a mount that is away for a moment. */
const REFUSED: ReadonlySet<unknown> = new Set([
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENOTDIR',
  'ELOOP',
  'ENAMETOOLONG',
])

/**
 * A token in a file that something else spendsRefreshToken: a mounted secret, a sidecar, a cron job. The file is read anew whenever a
 * token is needed; while it holds the one that was rejected, the refresh fails with `unchanged`.
 *
 * It holds a bare token, or JSON as the `command` source understands it. Whoever writes it should replace it by a
 * rename, for what is written in place may be read half-written. Lifetimes (`expires_in`) count from when it was written.
 *
 * `issue` throws a RefreshError: `source_unavailable` (missing, or empty), `source_unreachable` (a read that failed),
 * `source_refused` (not permitted, or no file), `source_invalid` (more than 1 MiB, no text, or no token in it).
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
    // A pipe that nobody writes to must not hold us up before it can be seen to be one. Windows has neither.
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
    // It may have grown meanwhile, and some do not tell their size.
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
