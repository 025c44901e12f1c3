import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join, posix, win32 } from 'node:path'
import { optionError } from '../../lib/options.ts'

/**
 * The store's default folder, in the place where programs of this platform keep their state. A variable without an absolute path is ignored,
 * as the XDG base directory specification asks.
 *
 * @throws RefreshError `invalid_option` if this user has no home
 */
export function defaultPath(platform: string): string {
  // eslint-disable-next-line node/no-process-env -- it is where users say where such folders are
  const { LOCALAPPDATA, XDG_STATE_HOME } = process.env
  switch (platform) {
    case 'darwin':
      return join(home(platform), 'Library', 'Application Support', 'llm-refresh')
    case 'win32':
      return join(absolute(LOCALAPPDATA, platform) ?? join(home(platform), 'AppData', 'Local'), 'llm-refresh')
    default:
      return join(
        absolute(XDG_STATE_HOME, platform) ?? join(home(platform), '.local', 'state'),
        'llm-refresh',
      )
  }
}

function absolute(path: string | undefined, platform: string): string | undefined {
  const rules = platform === 'win32' ? win32 : posix
  return path !== undefined && rules.isAbsolute(path) ? path : undefined
}

function home(platform: string): string {
  const found = homeFolder()
  // `homedir()` follows the rules of the running platform, which a test's `platform` need not be. So either form will do.
  if (posix.isAbsolute(found) || win32.isAbsolute(found)) return found
  const variable = platform === 'win32' ? 'USERPROFILE' : 'HOME'
  throw optionError(
    'path',
    `is missing, and this user's home folder is no absolute path. Name a folder, or set ${variable} to an absolute path`,
  )
}

/** The user's home folder; empty if there is none. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return ''
  }
}

const FOLDER = /^(?:[\da-z-]{1,40}-)?[\da-f]{16}$/u

/** The name of an account's folder, which every file system accepts, and in which a person can recognize the account. */
export function folderName(key: string): string {
  const readable = key
    .toLowerCase()
    .replaceAll(/[^\da-z]+/gu, '-')
    .replaceAll(/^-|-$/gu, '')
    .slice(0, 40)
  const hash = hashOf(key).slice(0, 16)
  return readable === '' ? hash : `${readable}-${hash}`
}

/** True if `folderName()` could return this name. */
export function isFolderName(name: string): boolean {
  return FOLDER.test(name)
}

/**
 * UTF-8 encodes all lone surrogates alike, so a key with one is hashed as UTF-16. The byte 0xff comes first, which no UTF-8 text contains,
 * so the hashed bytes equal those of no other key.
 */
function hashOf(key: string): string {
  const hash = createHash('sha256')
  if (/\p{Surrogate}/u.test(key)) hash.update(new Uint8Array([0xff])).update(key, 'utf16le')
  else hash.update(key)
  return hash.digest('hex')
}
