import { spawn } from 'node:child_process'
import process from 'node:process'

/** Whether a browser that is opened here is one that the person sees. */
export function hasBrowser(): boolean {
  const { BROWSER, CI, DISPLAY, WAYLAND_DISPLAY } = process.env
  if (CI !== undefined && CI !== '' && CI !== 'false') return false
  if (BROWSER !== undefined && BROWSER !== '') return true
  if (isRemote()) return false
  if (process.platform === 'darwin' || process.platform === 'win32') return true
  return (DISPLAY ?? WAYLAND_DISPLAY ?? '') !== ''
}

/** The person sits at another machine. */
export function isRemote(): boolean {
  const { SSH_CONNECTION, SSH_TTY } = process.env
  return SSH_CONNECTION !== undefined || SSH_TTY !== undefined
}

/** Opens a page, without a shell. The person has its link, so that a browser that does not start is no failure. */
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
