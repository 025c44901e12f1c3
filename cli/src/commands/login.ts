import { addCredential } from '../config/add.ts'
import type { McpDefinition } from '../config/credentials.ts'
import { readConfigFile } from '../config/file.ts'
import { locate } from '../config/locate.ts'
import { type Config, isMissing, readConfig, readConfigOrNone } from '../config/read.ts'
import { ask, hasPerson } from '../lib/ask.ts'
import { EXIT, exitCodeOf, Fault, isRefreshError, wrongInput } from '../lib/fault.ts'
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
import {
  isDescribed,
  newDefinition,
  type NewCredentialOptions,
  tryMcpServer,
} from '../setup/new-credential.ts'
import { personLogin } from '../setup/person-login.ts'
import { refreshTokenFix } from '../setup/scope.ts'
import { isPersons } from '../setup/source.ts'
import { canLock } from '../setup/store.ts'
import { describeExpiry } from './status.ts'

export interface LoginOptions extends NewCredentialOptions {
  readonly config?: string
  readonly browser?: boolean
  readonly device?: boolean
}

/**
 * Logs a person in: with a browser on this machine, or with a code on another device. The server and the terminal decide which is possible.
 */
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
        const what = 'The server issued no refresh token: this login ends with its access token.'
        say(paint('yellow', what, process.stderr))
        say(refreshTokenFix(name, definition, loginCommand(name)))
      }
    } else {
      // No person logs in for such a credential, so get a token to show that it works. Drop the logout first if a program has logged it
      // out.
      if (isLoggedOut(await store.store.read(name))) await dropToken(opened)
      await credential.accessToken()
    }
    const when = describeExpiry(credential.peek()?.expiresAt)
    say(
      isPersons(definition)
        ? `Logged in as ${name}: ${when}.`
        : `Nobody logs in for ${name}. There is a token: ${when}.`,
    )
  } catch (error) {
    throw explainedLogin(error, opened)
  } finally {
    process.off('SIGINT', stop)
    await opened.close()
  }
}

/**
 * Checks that the store accepts a login, before a person logs in: otherwise the login would be lost.
 *
 * @throws Fault
 */
async function tryStore(opened: OpenCredential): Promise<void> {
  const { name, store } = opened
  try {
    await store.store.read(name)
    // Ignore the result: a login takes no lock, so another process may hold it.
    await canLock(store, name)
  } catch (error) {
    // Go on with an unreadable record, because the login replaces it.
    if (!isRefreshError(error) || error.code !== 'store_invalid') throw await explained(error, opened)
  }
}

/** The configuration and the name of the login. A person may add the login to the configuration now. */
async function chosen(given: string | undefined, options: LoginOptions): Promise<[Config, string]> {
  if (given === undefined && isDescribed(options))
    throw wrongInput('What is the login to be called?', 'Name it: llm-refresh login NAME …')
  const config = await (given === undefined ? readConfig(options.config) : readConfigOrNone(options.config))
  const known = Object.keys(config.credentials ?? {})
  if (given === undefined || known.includes(given)) {
    if (isDescribed(options)) throw await already(config, given ?? '', options)
    return [config, chooseCredential(config, given)]
  }
  const isMistyped = !isDescribed(options) && nearest(given, known) !== undefined
  return isMistyped ? [config, chooseCredential(config, given)] : [await added(given, config, options), given]
}

/** The error for a login that the configuration already has. The command line must not overwrite it. */
async function already({ path, credentials }: Config, name: string, options: LoginOptions): Promise<Fault> {
  const { mcp, issuer, clientId, scope } = options
  const isScopeAlone = scope !== undefined && [mcp, issuer, clientId].every((option) => option === undefined)
  const message = `${path} has ${name} already.`
  const { source } = credentials?.[name] ?? {}
  if (!isScopeAlone || (source !== 'oauth' && source !== 'mcp'))
    return wrongInput(message, 'Change it there, or take another name.')
  const { Document } = await import('../config/syntax.ts')
  const place = new Document(path, await readConfigFile(locate(options.config))).place([
    'credentials',
    name,
    'scope',
  ])
  return wrongInput(
    message,
    `At ${place} set "scope": ${JSON.stringify(scope)}, and run: ${loginCommand(name)}`,
  )
}

async function added(name: string, config: Config, options: LoginOptions): Promise<Config> {
  const { path } = config
  const isNew = await isMissing({ path })
  const missing = isNew
    ? `There is no configuration at ${path} yet.`
    : `${path} has no credential ${JSON.stringify(name)}.`
  if (!isDescribed(options) && !hasPerson()) {
    const what = isNew ? 'Write one' : `Add credentials.${name}`
    throw wrongInput(missing, `${what}, or describe it with --mcp, or --issuer and --client-id.`)
  }
  const definition = await newDefinition(options)
  const credentials = `"credentials": { ${JSON.stringify(name)}: ${JSON.stringify(definition)} }`
  const lines = isNew ? `{ "version": 1, ${credentials} }` : credentials
  if (!hasPerson()) throw wrongInput(missing, `${isNew ? 'Write this file' : 'Add to it'}: ${lines}`)
  if (definition.source === 'mcp') await tried(definition, path, lines)
  say(`There is no credential ${JSON.stringify(name)} yet. These lines would be added to ${printable(path)}:`)
  say(printable(lines))
  const said = await ask('Add it now? [y/N]')
  if (!/^y(?:es)?$/i.test(said))
    throw new Fault(EXIT.failed, 'Nothing was written.', `Add it, and run: ${loginCommand(name)}`)
  return addCredential(options.config, name, definition)
}

/** Checks that a login is possible at the URL, before the URL is written to the configuration. */
async function tried(definition: McpDefinition, path: string, lines: string): Promise<void> {
  try {
    await tryMcpServer(definition)
  } catch (error) {
    if (!isRefreshError(error)) throw error
    const isAway = exitCodeOf(error, true) === EXIT.unreachable
    throw new Fault(
      exitCodeOf(error, true),
      `${error.message} Nothing was written.`,
      isAway
        ? 'Is the URL right?'
        : `Is the URL right? If the message names a field, add these lines with it to ${path}: ${lines}`,
    )
  }
}
