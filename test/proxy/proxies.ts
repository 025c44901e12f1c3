import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import {
  createProxy,
  createProxyKey,
  type Proxy,
  type ProxyAuditEntry,
  type ProxyOptions,
  type ProxyRoute,
} from '../../src/proxy/index.ts'
import { type RecordingServer, startRecordingServer } from '../support/recording-server.ts'

const made = createProxyKey({ name: 'laptop' })
export const KEY: string = made.key

/** A proxy that goes with its test. */
export interface Started {
  readonly proxy: Proxy
  readonly url: string
  readonly port: number
  readonly audit: ProxyAuditEntry[]
  /** The next entry of the audit: requests are told when they are over. */
  audited(count: number): Promise<ProxyAuditEntry[]>
}

export async function startProxy(
  routes: Record<string, ProxyRoute>,
  options: Partial<ProxyOptions> = {},
): Promise<Started> {
  const audit: ProxyAuditEntry[] = []
  const waiting = new Set<() => void>()
  const proxy = createProxy({
    routes,
    keys: [made.entry],
    audit: (entry) => {
      audit.push(entry)
      for (const look of waiting) look()
    },
    ...options,
  })
  onTestFinished(() => proxy.close())
  const audited = (count: number): Promise<ProxyAuditEntry[]> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (audit.length < count) return
        waiting.delete(look)
        resolve(audit)
      }
      waiting.add(look)
      look()
    })
  return { proxy, ...(await proxy.listen()), audit, audited }
}

export async function serve(handler: Parameters<typeof startRecordingServer>[0]): Promise<RecordingServer> {
  const server = await startRecordingServer(handler)
  onTestFinished(() => server.close())
  return server
}

export interface Got {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: string[]
  readonly trailers: IncomingMessage['trailers']
  readonly body: Buffer
  readonly text: string
}

/** A request that says no more than it is told to, with a key. */
export async function ask(
  url: string,
  given: {
    method?: string
    path?: string
    headers?: Record<string, string | string[]>
    body?: string | Buffer
    key?: string | null
  } = {},
): Promise<Got> {
  const { method = 'GET', headers = {}, body, key = KEY } = given
  const sent = httpRequest(url, {
    method,
    agent: false,
    ...(given.path !== undefined && { path: given.path }),
    headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...headers },
  })
  // One that gets its response early is cut off.
  sent.on('error', () => undefined)
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const whole = Buffer.concat(chunks)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    trailers: response.trailers,
    body: whole,
    text: whole.toString(),
  }
}

/** The error of a response of the proxy's own. */
export function errorIn(text: string): { code?: unknown; type?: unknown; message?: unknown } {
  const { error } = JSON.parse(text) as { error: object }
  return error
}

/** Says something to a port, and gives all that it hears until the other side ends. */
export async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const heard: Buffer[] = []
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  socket.on('error', () => undefined)
  socket.write(text, 'latin1')
  await once(socket, 'close')
  return Buffer.concat(heard).toString('latin1')
}
