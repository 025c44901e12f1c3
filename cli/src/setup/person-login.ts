import type { AccessToken, Store } from 'llm-refresh'
import type { McpDefinition, OAuthDefinition } from '../config/credentials.ts'
import type { Config } from '../config/read.ts'
import { EXIT, Fault, wrongInput } from '../lib/fault.ts'
import { paint, printable, say } from '../lib/output.ts'
import { hasBrowser, isRemote, openBrowser } from './browser.ts'
import { mcpClient, oauthClient, targetOf } from './client.ts'
import { discover, discoveryFix } from './discovery.ts'

/** The credential to log in for, and its store. */
export interface LoginPlace {
  readonly config: Config
  readonly name: string
  readonly store: Store
}

/** How the person wants to log in, if both ways are possible. */
export interface LoginWay {
  readonly browser: boolean | undefined
  readonly device: boolean | undefined
  readonly signal: AbortSignal
}

/**
 * Logs a person in: with a browser on this machine, or with a code on another device. The server and the terminal decide which is possible.
 *
 * @throws Fault, and errors of the library
 */
export async function personLogin(
  place: LoginPlace,
  definition: OAuthDefinition | McpDefinition,
  way: LoginWay,
): Promise<AccessToken> {
  return definition.source === 'mcp' ? atMcp(place, definition, way) : atServer(place, definition, way)
}

async function atServer(
  { config, name }: LoginPlace,
  definition: OAuthDefinition,
  { browser, device, signal }: LoginWay,
): Promise<AccessToken> {
  const client = { ...(await oauthClient(config, name, definition)), ...targetOf(definition), signal }
  const discovered = await discover(definition)
  const { problem, hasBrowserLogin, hasDeviceLogin } = discovered
  if (problem !== undefined && !hasBrowserLogin && !hasDeviceLogin) {
    throw new Fault(EXIT.unreachable, `${problem}.`, discoveryFix(`credentials.${name}`, discovered))
  }
  if (!hasBrowserLogin && !hasDeviceLogin) {
    throw new Fault(
      EXIT.failed,
      'The server offers neither a login by browser nor one by code.',
      'Is another "grant" meant?',
    )
  }
  if (device === true && !hasDeviceLogin)
    throw wrongInput('The server offers no login by code.', 'Leave --device out.')
  if (browser === true && !hasBrowserLogin)
    throw wrongInput('The server offers no login by browser.', 'Leave --browser out.')
  const prefersBrowser =
    browser === true || (device !== true && (!hasDeviceLogin || (hasBrowserLogin && hasBrowser())))
  if (prefersBrowser) {
    const { browserLogin } = await import('llm-refresh/sources/oauth-browser')
    const { redirectUri } = definition
    return browserLogin({ ...client, ...(redirectUri !== undefined && { redirectUri }), open: show })
  }
  const { deviceLogin } = await import('llm-refresh/sources/oauth')
  return deviceLogin({
    ...client,
    onPrompt: ({ userCode, verificationUri, verificationUriComplete }) => {
      say(`Open ${printable(verificationUri)}`)
      say(`and enter the code ${paint('bold', printable(userCode), process.stderr)}`)
      if (verificationUriComplete !== undefined) say(`or open ${printable(verificationUriComplete)}`)
      say('Waiting for the login …')
    },
  })
}

async function atMcp(
  { config, name, store }: LoginPlace,
  definition: McpDefinition,
  { device, signal }: LoginWay,
): Promise<AccessToken> {
  if (device === true) throw wrongInput('The login at an MCP server needs a browser.', 'Leave --device out.')
  const { mcpLogin } = await import('llm-refresh/sources/mcp')
  const client = await mcpClient(config, name, definition)
  const { url, redirectUri, pkce } = definition
  return mcpLogin(url, { ...client, store, redirectUri, pkce }).inBrowser({ open: show, signal })
}

/** Prints the link, and opens it if the person can see a browser here. */
function show(url: string): void {
  const port = portOf(url)
  if (isRemote() && port !== undefined) {
    say('The browser is to come back to this machine. From yours, forward the port first:')
    say(`ssh -L ${port}:127.0.0.1:${port} …`)
  }
  say(`Log in with your browser: ${printable(url)}`)
  if (hasBrowser()) openBrowser(url)
}

function portOf(url: string): string | undefined {
  const redirect = new URL(url).searchParams.get('redirect_uri') ?? ''
  const { port } = URL.canParse(redirect) ? new URL(redirect) : { port: '' }
  return port === '' ? undefined : port
}
