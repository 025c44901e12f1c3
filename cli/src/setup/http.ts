import { wrongInput } from '../lib/fault.ts'
import { proxyVariables, wrongProxyVariables } from '../lib/proxy-variables.ts'

/** How such a variable is mended. */
export function proxyVariableFix(name: string): string {
  return `Set ${name} to a URL, such as http://proxy.example.com:3128, or unset it.`
}

/**
 * Whether the environment names a proxy.
 *
 * @throws Fault for a variable that holds no URL
 */
export function hasProxy(): boolean {
  const [wrong] = wrongProxyVariables()
  if (wrong !== undefined) throw wrongInput(`${wrong} holds no http URL.`, proxyVariableFix(wrong))
  return proxyVariables().length > 0
}

/** A client of the proxy that gives up when the proxy breaks off: undici before 8.6 connects again at once, without an end (nodejs/undici#3897). */
function givingUp<T extends { connect(options: never): Promise<unknown> }>(client: T): T {
  const connect = client.connect.bind(client)
  return Object.assign(client, {
    connect: (options: never) =>
      connect(options).catch((cause: unknown) => {
        if (Reflect.get(Object(cause), 'code') !== 'UND_ERR_SOCKET') throw cause
        throw Object.assign(new Error('The proxy broke off the connection.', { cause }), {
          code: 'UND_ERR_PRX_CONN',
        })
      }),
  })
}

/**
 * The code of a request that failed. Where the connection was to another port than the server's, a proxy of the machine is on the way, and is
 * named.
 */
export function failureOf(error: unknown, { port, protocol }: URL): string {
  const cause: unknown = Reflect.get(Object(error), 'cause') ?? error
  const code: unknown = Reflect.get(Object(cause), 'code') ?? Reflect.get(Object(error), 'name')
  const told = typeof code === 'string' ? code : 'no reason given'
  const address: unknown = Reflect.get(Object(cause), 'address')
  const dialled: unknown = Reflect.get(Object(cause), 'port')
  if (typeof address !== 'string' || typeof dialled !== 'number') return told
  const asked = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  if (dialled === asked) return told
  return `${told} at ${address.includes(':') ? `[${address}]` : address}:${dialled}: is the proxy of this machine up?`
}

/** `NO_PROXY`, with these hosts besides. A `*` means every host, and nobody knows it in a list. */
export function withoutProxy(hosts: readonly string[], from: NodeJS.ProcessEnv = process.env): string {
  const own = (from['no_proxy'] ?? from['NO_PROXY'] ?? '').split(/[\s,]+/)
  return own.includes('*') ? '*' : [...new Set([...own, ...hosts])].filter((host) => host !== '').join(',')
}

/**
 * A fetch that goes through the proxy that the environment names, as the programs beside it do. undefined where none is named: the
 * platform's own does then. Requests to this machine never pass a proxy: it would read their secrets.
 */
export async function proxiedFetch(): Promise<typeof fetch | undefined> {
  if (!hasProxy()) return undefined
  const undici = await import('undici')
  const dispatcher = new undici.EnvHttpProxyAgent({
    noProxy: withoutProxy(['localhost', '127.0.0.1', '::1', '[::1]']),
    clientFactory: (_proxy, given) => givingUp(new undici.Agent(given)),
  })
  // The two fetches are one and the same, and their types differ: one has those of its own package.
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  const send = undici.fetch as unknown as (input: unknown, init: object) => Promise<Response>
  return (input, init) => send(input, { ...init, dispatcher })
}
