import type { ProxyAuditEntry, ProxyKey } from 'llm-refresh/proxy'
import { readConfig } from '../config/read.ts'
import { EXIT, isRefreshError, wrongInput } from '../lib/fault.ts'
import { jsonOf, outliveReaders, paint, print, say } from '../lib/output.ts'
import { exitCodeFor, onSignals } from '../lib/signals.ts'
import { report } from '../report.ts'
import type { StoredKey } from '../setup/key-file.ts'
import { chooseRoutes, openProxy } from '../setup/proxy.ts'
import { watchKeys } from '../setup/watch-keys.ts'

export interface ProxyCommandOptions {
  readonly config?: string
  readonly host?: string
  readonly port?: string
  readonly allowRemote?: boolean
  readonly allowHost?: string[]
  readonly json?: boolean
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/

/** Serves the routes until a signal arrives. Then it lets the open requests end. */
export async function proxy(options: ProxyCommandOptions): Promise<number> {
  const config = await readConfig(options.config)
  const routes = chooseRoutes(config, [])
  const port = options.port === undefined ? (config.proxy?.port ?? 8790) : Number(options.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw wrongInput('--port must be a port, 0 to 65535.')
  const host = options.host ?? config.proxy?.host
  if (host !== undefined && options.allowRemote !== true && !LOOPBACK.test(host)) {
    throw wrongInput(
      `${options.host === undefined ? 'proxy.host' : '--host'} ${JSON.stringify(host)} is an address that other machines may reach, over plain http.`,
      'Use 127.0.0.1, or add --allow-remote.',
    )
  }
  const isJson = options.json === true || !process.stdout.isTTY
  const watched = await watchKeys()
  const opened = await openProxy(config, {
    routes,
    keys: keysFor(routes, watched.keys),
    host,
    port,
    allowRemote: options.allowRemote,
    allowHosts: options.allowHost,
    audit: (entry) =>
      void print(isJson ? jsonOf({ event: 'request', ...entry }) : lineOfEntry(entry)).catch(() => undefined),
  })
  try {
    const { url } = await opened.proxy.listen().catch((error: unknown) => {
      throw explainedListening(error, host ?? '127.0.0.1', port)
    })
    const ended = ending()
    outliveReaders()
    if (isJson)
      await print(
        jsonOf({ event: 'listening', url, routes: routes.map((name) => ({ name, url: `${url}/${name}` })) }),
      )
    else for (const name of routes) await print(`${name}: ${url}/${name}`)
    if (opened.proxy.keys.names.length === 0)
      say('No client has a key yet. Make one: llm-refresh key add NAME')
    watched.start((keys) => opened.proxy.keys.replace(keysFor(routes, keys)), report)
    const signal = await ended
    // After a second signal, do not wait for open requests.
    const hurried = ending()
    await Promise.race([opened.proxy.drain(), hurried])
    return signal === 'SIGINT' ? exitCodeFor(signal) : EXIT.done
  } finally {
    watched.stop()
    await opened.close()
  }
}

function explainedListening(error: unknown, host: string, port: number): unknown {
  const code = isRefreshError(error) ? /\((E[A-Z]+)\)/.exec(error.message)?.[1] : undefined
  if (code === 'EADDRINUSE')
    return wrongInput(
      `Another program listens at port ${port} of ${host} (EADDRINUSE).`,
      'Choose another one: --port, or proxy.port in the configuration.',
    )
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return wrongInput(
      `${host} is no address of this machine (${code}).`,
      'Choose another one: --host, or proxy.host in the configuration.',
    )
  return error
}

function ending(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => onSignals(['SIGTERM', 'SIGINT', 'SIGHUP'], resolve))
}

/** The keys without routes that no longer exist. A key without any remaining route is left out. */
function keysFor(known: readonly string[], keys: readonly StoredKey[]): ProxyKey[] {
  return keys.flatMap(({ name, hash, routes }) => {
    if (routes === undefined) return [{ name, hash }]
    const left = routes.filter((route) => known.includes(route))
    return left.length === 0 ? [] : [{ name, hash, routes: left }]
  })
}

function lineOfEntry({
  time,
  key,
  route,
  method,
  status,
  retried,
  refused,
  duration,
}: ProxyAuditEntry): string {
  const colour = status < 400 ? 'green' : 'red'
  const more = [retried && 'refreshed and sent again', refused !== undefined && `refused: ${refused}`]
  const words = [
    new Date(time).toISOString(),
    key ?? '-',
    route ?? '-',
    method,
    paint(colour, String(status)),
    `${Math.round(duration)} ms`,
  ]
  return [...words, ...more.filter((word) => word !== false)].join(' ')
}
