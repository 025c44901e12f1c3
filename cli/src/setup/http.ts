import { wrongInput } from '../lib/fault.ts'
import { proxyVariables, wrongProxyVariables } from '../lib/proxy-variables.ts'

/** The remedy for a variable that should name a proxy. */
export function proxyVariableFix(name: string): string {
  return `Set ${name} to a URL, such as http://proxy.example.com:3128, or unset it.`
}

/**
 * True if the environment names a proxy.
 *
 * @throws Fault if such a variable contains no URL
 */
export function hasProxy(): boolean {
  const [wrong] = wrongProxyVariables()
  if (wrong !== undefined) throw wrongInput(`${wrong} holds no http URL.`, proxyVariableFix(wrong))
  return proxyVariables().length > 0
}

/**
 * Makes a client of the proxy give up if the proxy breaks off: undici before 8.6 connects again at once, without end (nodejs/undici#3897).
 */
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
 * The code of a failed request. If the connection went to another port than the server's, a proxy of the machine is in between, and the
 * text names it.
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

/** The value of `NO_PROXY` with these hosts added. A `*` covers every host already, and means nothing inside a list. */
export function withoutProxy(hosts: readonly string[], from: NodeJS.ProcessEnv = process.env): string {
  const own = (from['no_proxy'] ?? from['NO_PROXY'] ?? '').split(/[\s,]+/)
  return own.includes('*') ? '*' : [...new Set([...own, ...hosts])].filter((host) => host !== '').join(',')
}

/**
 * A fetch that uses the proxy that the environment names, as the tools of this machine do. undefined if there is none, so that the
 * platform's fetch does. Requests to this machine never go through a proxy, which could read their secrets.
 */
export async function proxiedFetch(): Promise<typeof fetch | undefined> {
  if (!hasProxy()) return undefined
  const undici = await import('undici')
  const dispatcher = new undici.EnvHttpProxyAgent({
    noProxy: withoutProxy(['localhost', '127.0.0.1', '::1', '[::1]']),
    clientFactory: (_proxy, given) => givingUp(new undici.Agent(given)),
  })
  // Both are the same fetch. Only their types differ, because undici has its own.
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  const send = undici.fetch as unknown as (input: unknown, init: object) => Promise<Response>
  return (input, init) => send(input, { ...init, dispatcher })
}
