import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where programs of this platform keep what they remember. */
export function defaultPath(platform: string): string {
  // eslint-disable-next-line node/no-process-env -- it is where users say where such folders are
  const { LOCALAPPDATA, XDG_STATE_HOME } = process.env
  const home = homedir()
  switch (platform) {
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'llm-refresh')
    case 'win32':
      return join(LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'llm-refresh')
    default:
      return join(XDG_STATE_HOME ?? join(home, '.local', 'state'), 'llm-refresh')
  }
}

/** A name that every file system takes, and that tells a person which account it is. */
export function folderName(key: string): string {
  const readable = key
    .toLowerCase()
    .replaceAll(/[^\da-z]+/gu, '-')
    .replaceAll(/^-|-$/gu, '')
    .slice(0, 40)
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16)
  return readable === '' ? hash : `${readable}-${hash}`
}
