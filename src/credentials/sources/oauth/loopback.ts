import { createServer, type ServerResponse } from 'node:http'
import { RefreshError } from '../../../core/errors.ts'
import { optionError } from '../../../core/options.ts'

/** Where the browser comes back to. */
export interface Loopback {
  readonly redirectUri: string
  /** What the browser brings; it is answered with a page. Rejects with the signal's reason. */
  readonly arrived: Promise<URLSearchParams>
  close(): void
}

/** @throws RefreshError `invalid_option` */
export function readRedirectUri(given: string): URL {
  const url = URL.canParse(given) ? new URL(given) : undefined
  const isLoopback = url !== undefined && /^(?:127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname)
  if (!isLoopback || url.protocol !== 'http:' || url.search !== '' || url.hash !== '') {
    throw optionError(
      'redirectUri',
      "must be an http URL of this machine, such as 'http://127.0.0.1/callback'",
    )
  }
  return url
}

/**
 * Listens for one return of the browser, on this machine only (RFC 8252 section 7.3).
 *
 * @param state what a return has to bring: anything else is not for us, and is no reason to stop waiting
 * @throws RefreshError `invalid_option` where the port is taken
 */
export async function listen(redirect: URL, state: string, signal: AbortSignal): Promise<Loopback> {
  const server = createServer()
  const host = redirect.hostname === '[::1]' ? '::1' : '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new RefreshError('invalid_option', `'redirectUri' cannot be listened on.`, { cause }))
    })
    server.listen(Number(redirect.port), host, resolve)
  })
  const address = server.address()
  const uri = new URL(redirect)
  if (address !== null && typeof address === 'object') uri.port = String(address.port)

  let abort = (): void => undefined
  const arrived = new Promise<URLSearchParams>((resolve, reject) => {
    abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    server.on('request', ({ method, url = '' }, response) => {
      const { pathname, searchParams } = new URL(url, uri)
      const isOurs = method === 'GET' && pathname === uri.pathname
      if (!isOurs) return answer(response, 404, 'There is nothing here.')
      if (searchParams.get('state') !== state)
        return answer(response, 400, 'This is not the login that is awaited.')
      answer(response, 200, 'You can close this window now, and go back.')
      // Not before the page is on its way, for then the connections are closed.
      response.once('close', () => resolve(searchParams))
    })
  })
  // Whoever waits for it may not have begun to.
  arrived.catch(() => undefined)
  return {
    redirectUri: uri.href,
    arrived,
    close: () => {
      signal.removeEventListener('abort', abort)
      server.close()
      server.closeAllConnections()
    },
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  })
  response.end(`<!doctype html><meta charset="utf-8"><title>Login</title><p>${text}</p>`)
}
