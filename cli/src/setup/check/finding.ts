import { exitCodeOf, EXIT, isRefreshError, messageOf } from '../../lib/fault.ts'
import { installCommand } from '../source.ts'

/** The result of one check. It contains no secret. */
export interface Finding {
  /** The credential, store or route that the finding concerns; undefined for this machine. */
  readonly about: string | undefined
  readonly code: string
  readonly level: 'ok' | 'warning' | 'error'
  readonly message: string
  /** The remedy; undefined if all is well. */
  readonly fix: string | undefined
}

export function good(about: string | undefined, code: string, message: string): Finding {
  return { about, code, level: 'ok', message, fix: undefined }
}

/** The finding for an error. */
export function problem(about: string, error: unknown): Finding {
  const code = isRefreshError(error) ? error.code : 'failed'
  return { about, code, level: 'error', message: messageOf(error), fix: fixFor(about, error) }
}

/**
 * The remedy for an error. The error's message says what is wrong; this says where to look.
 *
 * @param needed the package that a credential of this machine in a cloud needs
 * @param runs true if the credential runs a program for its token
 */
export function fixFor(about: string, error: unknown, needed?: string, runs = false): string {
  if (!isRefreshError(error)) return `Check ${about} in the configuration.`
  const { code } = error
  if (needed !== undefined && error.message.startsWith(`${needed} cannot be loaded`))
    return `Run: ${installCommand(needed)}`
  if (code.startsWith('store_')) return 'Mend the store: its folder, its server, its rights or its keys.'
  if (runs && code.startsWith('source_'))
    return `Run the program of ${about} yourself, to see what it prints.`
  if (code === 'source_unreachable')
    return `Check the URLs of ${about}, the network, the proxy variables and NODE_EXTRA_CA_CERTS.`
  // The response does not come from the intended server, but from a login page, a proxy or a website.
  if (/ responded with (?:a page|nothing)\b/.test(error.message))
    return `Check ${about}.issuer or ${about}.tokenEndpoint, and the proxies in between.`
  if (exitCodeOf(error, false) === EXIT.unreachable) return 'Time mends it: try again.'
  if (code === 'invalid_option') return `Change ${about} in the configuration, or set what it refers to.`
  if (needed !== undefined && code === 'source_refused')
    return 'Set up on this machine what the message names.'
  if (code === 'source_refused')
    return `Check the client, its secret and its grant in ${about}, and what is registered at the server.`
  return `Check ${about} in the configuration.`
}
