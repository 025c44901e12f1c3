import { spawn } from 'node:child_process'
import process from 'node:process'

/** True if the person can see a browser that we open. */
export function hasBrowser(): boolean {
  const { BROWSER, CI, DISPLAY, WAYLAND_DISPLAY } = process.env
  if (CI !== undefined && CI !== '' && CI !== 'false') return false
  if (BROWSER !== undefined && BROWSER !== '') return true
  if (isRemote()) return false
  if (process.platform === 'darwin' || process.platform === 'win32') return true
  return (DISPLAY ?? WAYLAND_DISPLAY ?? '') !== ''
}

/** True if the person sits at another machine. */
export function isRemote(): boolean {
  const { SSH_CONNECTION, SSH_TTY } = process.env
  return SSH_CONNECTION !== undefined || SSH_TTY !== undefined
}

/** Opens a page in a browser, without a shell. A browser that does not start is no failure, because the person also has the link. */
export function openBrowser(url: string): void {
  const [program, ...args] = browserCommand()
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}

function browserCommand(): [string, ...string[]] {
  const named = process.env['BROWSER'] ?? ''
  if (named !== '') return [named]
  switch (process.platform) {
    case 'darwin':
      return ['open']
    case 'win32':
      return ['rundll32', 'url.dll,FileProtocolHandler']
    default:
      return ['xdg-open']
  }
}
