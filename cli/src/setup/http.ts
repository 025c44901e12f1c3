import { wrongInput } from '../lib/fault.ts'

/** The variables that name a proxy, in the order in which they count. */
export const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const

const LEADING = /^https?:\/\//i

/** The variables that name a proxy and hold no URL of one. */
export function wrongProxyVariables(): string[] {
  return PROXY_VARIABLES.filter((name) => {
    const value = process.env[name] ?? ''
    return value !== '' && !(URL.canParse(value) && LEADING.test(value))
  })
}

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
  return PROXY_VARIABLES.some((name) => (process.env[name] ?? '') !== '')
}

/**
 * A fetch that goes through the proxy that the environment names, as the programs beside it do. undefined where none is named: the
 * platform's own does then. Requests to this machine never pass a proxy: it would read their secrets.
 */
export async function proxiedFetch(): Promise<typeof fetch | undefined> {
  if (!hasProxy()) return undefined
  const undici = await import('undici')
  const noProxy = [process.env['no_proxy'] ?? process.env['NO_PROXY'] ?? '', 'localhost,127.0.0.1,::1,[::1]']
  const dispatcher = new undici.EnvHttpProxyAgent({
    noProxy: noProxy.filter((part) => part !== '').join(','),
  })
  // The two fetches are one and the same, and their types differ: one has those of its own package.
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  const send = undici.fetch as unknown as (input: unknown, init: object) => Promise<Response>
  return (input, init) => send(input, { ...init, dispatcher })
}
