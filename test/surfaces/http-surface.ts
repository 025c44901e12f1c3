import { Agent, type Dispatcher, fetch as undiciFetch } from 'undici'
import { type Refresher, refreshingFetch, type RefreshingFetchOptions } from '../../src/index.ts'
import { createProxy, createProxyKey, type Proxy } from '../../src/proxy/index.ts'
import { refreshingInterceptor } from '../../src/surfaces/undici/index.ts'

/** What every HTTP surface is told. */
export type SurfaceOptions = Omit<RefreshingFetchOptions<string>, 'fetch'>

export interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** A response, whichever way it came. */
export interface Answer {
  readonly status: number
  readonly statusText: string
  header(name: string): string | undefined
  text(): Promise<string>
  /** The next piece; undefined at the end. */
  piece(): Promise<string | undefined>
  /** The caller leaves the rest alone. */
  leave(): void
}

export type Ask = (url: string, sent?: Sent) => Promise<Answer>

/** A way to send HTTP requests with a credential. */
export interface HttpSurface {
  readonly name: string
  /** A server in between: its callers are on the other side of a connection. */
  readonly isProxy?: true
  /** Requests over an agent, so that a test can count and close its sockets. */
  readonly over: (agent: Agent, cell: Refresher<string>, options: SurfaceOptions) => Ask
}

/** Every surface that keeps the contract. */
export const SURFACES: readonly HttpSurface[] = [
  {
    name: 'refreshingFetch',
    over: (agent, cell, options) => {
      const beneath = through(agent)
      return byFetch(refreshingFetch(cell, { ...options, fetch: beneath }))
    },
  },
  {
    name: 'undici’s request over the interceptor',
    over: (agent, cell, options) => byRequest(agent.compose(refreshingInterceptor(cell, options))),
  },
  {
    name: 'undici’s fetch over the interceptor',
    over: (agent, cell, options) => byFetch(through(agent.compose(refreshingInterceptor(cell, options)))),
  },
  { name: 'the proxy', isProxy: true, over: (agent, cell, options) => throughProxy(agent, cell, options) },
]

const open: Agent[] = []
const proxies: Proxy[] = []

export function newAgent(options: Agent.Options = {}): Agent {
  const made = new Agent(options)
  open.push(made)
  return made
}

export async function closeAgents(): Promise<void> {
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
  await Promise.all(open.splice(0).map((made) => made.destroy()))
}

/** A proxy with a route for each origin, and the platform's way to ask it. */
function throughProxy(
  dispatcher: Agent,
  credential: Refresher<string>,
  { origins, plainHttpOrigins, onEvent, replayLimit, rules, inspectStreams }: SurfaceOptions,
): Ask {
  const { key, entry } = createProxyKey({ name: 'test' })
  const routes = [origins]
    .flat()
    .map((to, at) => [`r${at}`, { to, credential, rules, inspectStreams }] as const)
  const shared = { plainHttpOrigins, onEvent, replayLimit }
  const proxy = createProxy({ keys: [entry], routes: Object.fromEntries(routes), dispatcher, ...shared })
  proxies.push(proxy)
  const ask = byFetch(through(newAgent()))
  return async (url, sent = {}) => {
    const base = await proxy.listen()
    const { origin, href } = new URL(url)
    const [name] = routes.find(([, { to }]) => new URL(to).origin === origin) ?? ['none']
    const headers = { ...sent.headers, 'api-key': key }
    return ask(`${base.url}/${name}${href.slice(origin.length)}`, { ...sent, headers })
  }
}

/** A plain fetch over an agent. */
function through(dispatcher: Dispatcher): typeof fetch {
  const sent = (input: string, init: object): unknown => undiciFetch(input, { ...init, dispatcher })
  return sent as unknown as typeof fetch
}

function byFetch(fetch: typeof globalThis.fetch): Ask {
  return async (url, sent = {}) => {
    const isStream = Symbol.asyncIterator in Object(sent.body)
    const init = { ...sent, ...(isStream && { duplex: 'half' }) } as RequestInit
    const response = await fetch(url, init)
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
    return {
      status: response.status,
      statusText: response.statusText,
      header: (name) => response.headers.get(name) ?? undefined,
      text: () => response.text(),
      piece: async () => {
        reader ??= response.body?.getReader()
        const { value } = (await reader?.read()) ?? {}
        return value && Buffer.from(value).toString()
      },
      leave: () => void response.body?.cancel(),
    }
  }
}

function byRequest(dispatcher: Dispatcher): Ask {
  return async (url, { method = 'GET', body, ...sent } = {}) => {
    const { origin, pathname, search } = new URL(url)
    const options = { ...sent, origin, path: pathname + search, method, body } as Dispatcher.RequestOptions
    const answer = await dispatcher.request(options)
    const pieces = answer.body[Symbol.asyncIterator]()
    return {
      status: answer.statusCode,
      statusText: answer.statusText,
      header: (name) => answer.headers[name]?.toString(),
      text: () => answer.body.text(),
      piece: async () => {
        const { done, value } = await pieces.next()
        return done === true ? undefined : String(value)
      },
      leave: () => void answer.body.on('error', () => undefined).destroy(),
    }
  }
}
