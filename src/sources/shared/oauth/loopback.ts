import type * as http from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { builtinModule } from '../../../core/builtin-module.ts'
import { RefreshError } from '../../../errors.ts'
import { optionError } from '../../../lib/options.ts'

/** A redirect URI: as a URL to listen on, and as the text to send. */
export interface Redirect {
  readonly url: URL
  /** The redirect URI exactly as the user spelled it, because servers compare texts (RFC 6749 section 3.1.2.3). */
  readonly text: string
}

/** A local server that waits for the browser to return. */
export interface Loopback {
  readonly redirectUri: string
  /** The query of the browser's request. The server responds to it with a page. Rejects with the signal's reason. */
  readonly arrived: Promise<URLSearchParams>
  close(): void
}

/** @throws RefreshError `invalid_option` */
export function readRedirectUri(given: string): Redirect {
  const url = URL.canParse(given) ? new URL(given) : undefined
  const isLoopback = url !== undefined && /^(?:127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname)
  const isPlain = url?.protocol === 'http:' && url.search === '' && url.hash === '' && url.username === ''
  if (!isLoopback || !isPlain || !/^http:\/\//i.test(given)) {
    throw optionError(
      'redirectUri',
      "must be an http URL of this machine, such as 'http://127.0.0.1/callback'",
    )
  }
  return { url, text: given }
}

/** The redirect URI with the port that the server listens on, if the URI names none (RFC 8252 section 7.3). */
function withPort({ url, text }: Redirect, port: number): string {
  if (url.port !== '' || /^http:\/\/[^/]+:80(?:\/|$)/i.test(text)) return text
  return text.replace(/^(http:\/\/(?:\[[^\]]*\]|[^/:?#]+)):?/i, `$1:${port}`)
}

/**
 * Listens for one request of the returning browser, on this machine only (RFC 8252 section 7.3).
 *
 * @param state the `state` that the request must carry. The server refuses other requests, and keeps waiting.
 * @throws RefreshError `invalid_option` if the port is taken
 */
export async function listen(redirect: Redirect, state: string, signal: AbortSignal): Promise<Loopback> {
  const { hostname, pathname: path } = redirect.url
  const port = Number(redirect.url.port) || (/^http:\/\/[^/]+:80(?:\/|$)/i.test(redirect.text) ? 80 : 0)
  // A browser may use either address for `localhost`. If another user's program listened on one of them, that program could get the code.
  const hosts = hostname === 'localhost' ? ['127.0.0.1', '::1'] : [hostname === '[::1]' ? '::1' : hostname]
  const { servers, taken } = await listenOn(hosts, port)
  const close = (): void => closeAll(servers)

  let abort = (): void => undefined
  const arrived = new Promise<URLSearchParams>((resolve, reject) => {
    abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    const respond = ({ method, url = '' }: IncomingMessage, response: ServerResponse): void => {
      const returned = readReturn(url)
      if (method !== 'GET' || returned?.pathname !== path) {
        return answer(response, 404, 'There is nothing here.')
      }
      const { searchParams } = returned
      if (searchParams.getAll('state').some((given) => given !== state) || !searchParams.has('state')) {
        return answer(response, 400, 'This is not the login that is awaited.')
      }
      answer(response, 200, 'You can close this window now, and go back.')
      // Resolve only after the page was sent, because the caller then closes the connections.
      response.once('close', () => resolve(searchParams))
    }
    for (const server of servers) {
      server.on('request', respond)
      // Input that is no HTTP ends its own connection, not the process.
      server.on('clientError', (_error, socket) => socket.destroy())
    }
  })
  // The caller may not wait for `arrived` yet. A rejection without a handler would end the process.
  arrived.catch(() => undefined)
  return {
    redirectUri: withPort(redirect, taken),
    arrived,
    close: () => {
      signal.removeEventListener('abort', abort)
      close()
    },
  }
}

/** Listens on the same port of each host. If any port will do, it tries another port when a program holds the chosen one on one host. */
async function listenOn(
  hosts: readonly string[],
  port: number,
  tries = 5,
): Promise<{ readonly servers: readonly Server[]; readonly taken: number }> {
  const servers: Server[] = []
  let taken = port
  try {
    for (const host of hosts) {
      const server = nodeHttp().createServer()
      servers.push(server)
      // One after the other, because the first server chooses the port of the others.
      taken = await listening(server, taken, host, host === '::1' && hosts.length > 1)
    }
    return { servers, taken }
  } catch (error) {
    closeAll(servers)
    if (port === 0 && tries > 1) return listenOn(hosts, port, tries - 1)
    throw error
  }
}

function closeAll(servers: readonly Server[]): void {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
}

/** Looked up at run time, because the module must load on platforms without `node:http`, too. */
function nodeHttp(): Pick<typeof http, 'createServer'> {
  const found = builtinModule('http')
  if (isHttp(found)) return found
  throw optionError('redirectUri', 'cannot be listened on: this runtime has no node:http. Log in on Node')
}

function isHttp(found: unknown): found is Pick<typeof http, 'createServer'> {
  return typeof Reflect.get(Object(found), 'createServer') === 'function'
}

/** @returns the port */
function listening(server: Server, port: number, host: string, isOptional: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      // On a machine without IPv6 no other program can listen on this address.
      if (isOptional && (cause.code === 'EADDRNOTAVAIL' || cause.code === 'EAFNOSUPPORT'))
        return resolve(port)
      const why = `cannot be listened on: ${host}, port ${port} (${cause.code ?? 'no reason is known'}). Use another port`
      return reject(new RefreshError('invalid_option', `'redirectUri' ${why}.`, { cause }))
    })
    server.listen({ port, host, ipv6Only: host === '::1' }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

/** Parses a request target; undefined if it is no path. Any program, and any web page, can send requests here, with any target. */
function readReturn(target: string): URL | undefined {
  const isPath = target.startsWith('/') && !target.startsWith('//')
  return isPath && URL.canParse(target, 'http://127.0.0.1') ? new URL(target, 'http://127.0.0.1') : undefined
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
