import type { AccessToken } from 'llm-refresh'
import { readConfig, type Config } from '../config/read.ts'
import type { OAuthDefinition } from '../config/schema.ts'
import { EXIT, Fault, wrongInput } from '../lib/fault.ts'
import { paint, printable, say } from '../lib/output.ts'
import { hasBrowser, openBrowser } from '../setup/browser.ts'
import { chooseCredential, explainedLogin, openCredential } from '../setup/credential.ts'
import { discover } from '../setup/discovery.ts'
import { isPersons, oauthClient, targetOf } from '../setup/source.ts'
import { describeExpiry } from './status.ts'

export interface LoginOptions {
  readonly config?: string
  readonly browser?: boolean
  readonly device?: boolean
}

/** Logs a person in, by a browser on this machine or by a code for another device, whichever server and terminal allow. */
export async function login(given: string | undefined, options: LoginOptions): Promise<void> {
  if (options.browser === true && options.device === true)
    throw wrongInput('--browser and --device exclude each other.')
  const config = await readConfig(options.config)
  const name = chooseCredential(config, given)
  const opened = await openCredential(config, name)
  const { credential, definition, store } = opened
  const ending = new AbortController()
  const stop = (): void => ending.abort(new Fault(130, 'The login was given up.'))
  process.once('SIGINT', stop)
  try {
    await store.prepare()
    if (isPersons(definition)) {
      const token = await personLogin(config, name, definition, { ...options, signal: ending.signal })
      await credential.login(token)
      if (token.refreshToken === undefined) {
        say(
          paint(
            'yellow',
            'The server issued no refresh token: this login ends with its access token.',
            process.stderr,
          ),
        )
        say(`Ask for one by its scope: add "scope": "… offline_access" to credentials.${name}.`)
      }
    } else {
      // Nobody needs to log in for it: what it gets by itself shows that it works.
      await credential.accessToken()
    }
    say(`Logged in as ${name}: ${describeExpiry(credential.peek()?.expiresAt)}.`)
  } catch (error) {
    throw explainedLogin(error, opened)
  } finally {
    process.off('SIGINT', stop)
    await opened.close()
  }
}

async function personLogin(
  config: Config,
  name: string,
  definition: OAuthDefinition,
  { browser, device, signal }: LoginOptions & { readonly signal: AbortSignal },
): Promise<AccessToken> {
  const client = { ...(await oauthClient(config, name, definition)), ...targetOf(definition), signal }
  const discovered = await discover(definition)
  if (discovered.problem !== undefined && !discovered.hasBrowserLogin && !discovered.hasDeviceLogin) {
    throw new Fault(
      EXIT.unreachable,
      `${discovered.problem}.`,
      `Check credentials.${name}.issuer, the network and the proxy variables.`,
    )
  }
  const { hasBrowserLogin, hasDeviceLogin } = discovered
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
    return browserLogin({
      ...client,
      ...(redirectUri !== undefined && { redirectUri }),
      open: (url) => {
        say(`Log in with your browser: ${url}`)
        if (hasBrowser()) openBrowser(url)
      },
    })
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
