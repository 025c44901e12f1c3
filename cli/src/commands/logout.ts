import type { AccessToken } from 'llm-refresh'
import { type Config, readConfig } from '../config/read.ts'
import { EXIT, Fault, isRefreshError } from '../lib/fault.ts'
import { say } from '../lib/output.ts'
import { revokingClient } from '../setup/client.ts'
import { chooseCredential, dropToken, explainedLogin, openCredential } from '../setup/credential.ts'
import { discover } from '../setup/discovery.ts'
import { isPersons, type PersonsDefinition } from '../setup/source.ts'

/**
 * Revokes a login at its server, and removes it from the store. The login is removed even if the server cannot be asked. For a service it
 * only drops the stored token, because no person logs in.
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
        `The stored token of ${name} is gone, and the next use of ${name} gets a new one, because this credential needs no login.`,
      )
      return
    }
    const record = await store.store.read(name).catch((error: unknown) => {
      // Remove an unreadable record, too, such as one that was sealed with a lost key.
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

/** Why the tokens are not revoked; undefined if they are, or if the server revokes no tokens. */
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
