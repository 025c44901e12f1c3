import { addCredential } from '../config/add.ts'
import { type Config, readConfig, readConfigOrNone } from '../config/read.ts'
import { ask, hasPerson } from '../lib/ask.ts'
import { EXIT, Fault, isRefreshError, wrongInput } from '../lib/fault.ts'
import { nearest } from '../lib/nearest.ts'
import { paint, printable, say } from '../lib/output.ts'
import {
  chooseCredential,
  dropToken,
  explained,
  explainedLogin,
  isLoggedOut,
  loginCommand,
  type OpenCredential,
  openCredential,
} from '../setup/credential.ts'
import { isDescribed, newDefinition, type NewCredentialOptions } from '../setup/new-credential.ts'
import { personLogin } from '../setup/person-login.ts'
import { isPersons } from '../setup/source.ts'
import { canLock } from '../setup/store.ts'
import { describeExpiry } from './status.ts'

export interface LoginOptions extends NewCredentialOptions {
  readonly config?: string
  readonly browser?: boolean
  readonly device?: boolean
}

/** Logs a person in, by a browser on this machine or by a code for another device, whichever server and terminal allow. */
export async function login(given: string | undefined, options: LoginOptions): Promise<void> {
  if (options.browser === true && options.device === true)
    throw wrongInput('--browser and --device exclude each other.')
  const [config, name] = await chosen(given, options)
  const opened = await openCredential(config, name)
  const { credential, definition, store } = opened
  const ending = new AbortController()
  const stop = (): void => ending.abort(new Fault(130, 'The login was given up.'))
  process.once('SIGINT', stop)
  try {
    await store.prepare()
    if (isPersons(definition)) {
      await tryStore(opened)
      const { browser, device } = options
      const token = await personLogin({ config, name, store: store.store }, definition, {
        browser,
        device,
        signal: ending.signal,
      })
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
      // Nobody needs to log in for it: what it gets by itself shows that it works. A program may have logged it out.
      if (isLoggedOut(await store.store.read(name))) await dropToken(opened)
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

/**
 * Finds out whether the store takes a login before a person gives one: afterwards it would be lost.
 *
 * @throws Fault
 */
async function tryStore(opened: OpenCredential): Promise<void> {
  const { name, store } = opened
  try {
    await store.store.read(name)
    // A lock that another process holds is no obstacle: a login takes none.
    await canLock(store, name)
  } catch (error) {
    // A login replaces a record that cannot be read.
    if (!isRefreshError(error) || error.code !== 'store_invalid') throw await explained(error, opened)
  }
}

/** The configuration with the login that is meant, which a person may have added now. */
async function chosen(given: string | undefined, options: LoginOptions): Promise<[Config, string]> {
  if (given === undefined && isDescribed(options))
    throw wrongInput('What is the login to be called?', 'Name it: llm-refresh login NAME …')
  const config = await (given === undefined ? readConfig(options.config) : readConfigOrNone(options.config))
  const known = Object.keys(config.credentials ?? {})
  if (given === undefined || known.includes(given)) {
    if (isDescribed(options))
      throw wrongInput(`${config.path} has ${given} already.`, 'Change it there, or take another name.')
    return [config, chooseCredential(config, given)]
  }
  const isMistyped = !isDescribed(options) && nearest(given, known) !== undefined
  return isMistyped ? [config, chooseCredential(config, given)] : [await added(given, config, options), given]
}

async function added(name: string, { path }: Config, options: LoginOptions): Promise<Config> {
  if (!isDescribed(options) && !hasPerson())
    throw wrongInput(
      `${path} has no credential ${JSON.stringify(name)}.`,
      `Add credentials.${name}, or describe it with --mcp, or --issuer and --client-id.`,
    )
  const definition = await newDefinition(options)
  const lines = `"credentials": { ${JSON.stringify(name)}: ${JSON.stringify(definition)} }`
  if (!hasPerson())
    throw wrongInput(`${path} has no credential ${JSON.stringify(name)}.`, `Add to it: ${lines}`)
  say(`${printable(path)} has no ${name} yet. This belongs there:`)
  say(printable(lines))
  const said = await ask('Add it now? [y/N]')
  if (!/^y(?:es)?$/i.test(said))
    throw new Fault(EXIT.failed, 'Nothing was written.', `Add it, and run: ${loginCommand(name)}`)
  return addCredential(options.config, name, definition)
}
