import { readConfig } from '../config/read.ts'
import { Fault, wrongInput } from '../lib/fault.ts'
import { paint, say } from '../lib/output.ts'
import { chooseCredential, explainedLogin, openCredential } from '../setup/credential.ts'
import { personLogin } from '../setup/person-login.ts'
import { isPersons } from '../setup/source.ts'
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
