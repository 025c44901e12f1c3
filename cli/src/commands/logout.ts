import type { AccessToken } from 'llm-refresh'
import { type Config, readConfig } from '../config/read.ts'
import { EXIT, Fault, isRefreshError } from '../lib/fault.ts'
import { say } from '../lib/output.ts'
import { revokingClient } from '../setup/client.ts'
import { chooseCredential, dropToken, explainedLogin, openCredential } from '../setup/credential.ts'
import { discover } from '../setup/discovery.ts'
import { isPersons, type PersonsDefinition } from '../setup/source.ts'

/**
 * Revokes a login at its server, and drops it from the store. A server that cannot be asked does not keep the login here. Of a service the
 * stored token is dropped: nobody logs in, so there is nothing to log out of.
 */
export async function logout(
  given: string | undefined,
  options: { readonly config?: string },
): Promise<void> {
  const config = await readConfig(options.config)
  const name = chooseCredential(config, given)
  const opened = await openCredential(config, name)
  const { credential, definition, store } = opened
  let problem: string | undefined
  try {
    if (!isPersons(definition)) {
      await dropToken(opened)
      say(
        `The stored token of ${name} is gone, and the next use of ${name} gets a new one: nobody logs in for it.`,
      )
      return
    }
    const record = await store.store.read(name).catch((error: unknown) => {
      // A record that cannot be read, such as one sealed with a lost key, is dropped all the same.
      problem = isRefreshError(error) ? error.message : undefined
      return undefined
    })
    if (record?.token !== undefined) {
      problem = await revoked(config, name, definition, record.token)
    }
    await credential.logout()
  } catch (error) {
    throw explainedLogin(error, opened)
  } finally {
    await opened.close()
  }
  if (problem !== undefined) {
    throw new Fault(EXIT.failed, `Logged out of ${name} here, but its tokens were not revoked: ${problem}`)
  }
  say(`Logged out of ${name}.`)
}

/** Why the server still takes the tokens; undefined where it does not, or where it revokes none. */
async function revoked(
  config: Config,
  name: string,
  definition: PersonsDefinition,
  token: AccessToken,
): Promise<string | undefined> {
  try {
    const client = await revokingClient(config, name, definition, token)
    const { hasRevocation, problem } = await discover(client)
    if (problem !== undefined && !hasRevocation) return `${problem}.`
    if (!hasRevocation) {
      say('The server revokes no tokens (RFC 7009): they end with their lifetime.')
      return undefined
    }
    const { revoke } = await import('llm-refresh/sources/oauth')
    await revoke(token, client)
    return undefined
  } catch (error) {
    if (!isRefreshError(error)) throw error
    return error.message
  }
}
