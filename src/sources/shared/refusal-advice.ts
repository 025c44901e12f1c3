import { holdsSecret } from '../../lib/harmless.ts'
import { parsedUrl } from '../../lib/secure-url.ts'

/** Facts about a request, by which its refusal is judged and explained. */
export interface Asking {
  /** The request uses a person's login, so that a new login can help. */
  readonly person: boolean
  /** The request redeems a refresh token or a code, which must not be redeemed twice. */
  readonly spends: boolean
  /** The request carries the claims that a challenge demanded. */
  readonly carriesClaims: boolean
  /** The request presents a signed assertion or subject token, which expires. Another try, or a corrected clock, may succeed. */
  readonly isSigned: boolean
  /** The client and how it authenticates, such as `client 'app' (client_secret_basic)`. */
  readonly client?: string | undefined
  /** The name of the endpoint, for messages. Default: 'token endpoint'. */
  readonly endpoint?: string | undefined
  /** The requested scope. */
  readonly scope?: string | undefined
  /** The scope is wider than the configured one, because a server demanded more. */
  readonly isWider?: boolean | undefined
}

/** Matches a server's own words for a refresh token that has ended. */
const ENDED =
  /\binvalid_grant\b|refresh[_ ]?token|\b(?:token|grant|code|session|login)\b.{0,40}\b(?:invalid|expired|revoked|not found|bad)\b|\b(?:invalid|expired|revoked|bad)\b.{0,20}\b(?:token|grant|session|login)\b/i

/**
 * Advice for the operator, by the error. It begins with a blank.
 *
 * @param name the error code
 * @param words the sentence that the server adds to the code
 */
export function adviceOn(status: number, name: string | undefined, asking: Asking, words = ''): string {
  const { client = 'the client', endpoint = 'token endpoint', isSigned, scope } = asking
  switch (name) {
    case 'invalid_client':
      return ` It does not accept ${client}: ${isSigned ? 'is its key or assertion registered there, and this clock right?' : howItAuthenticates(client)}`
    case 'unauthorized_client':
      // Atlassian sends this code for a refresh token that has ended.
      if (asking.person && ENDED.test(words)) return logInAgain(client)
      return ` It does not let ${client} ask for this: allow the grant there.`
    case 'unsupported_grant_type':
      return ` It does not know this 'grant', or not for ${client}.`
    case 'invalid_scope':
      return scope === undefined
        ? ` Does ${client} need a 'scope'?`
        : ` Is ${client} allowed the scope '${scope.slice(0, 128)}'?`
    case 'invalid_target':
      return " Are 'resource' and 'audience' right?"
    case 'invalid_grant':
      if (asking.person) return logInAgain(client)
      return isSigned
        ? ' Is the assertion or subject token still good, made out to this server, and this clock right?'
        : ` It was asked by ${client}: does what it presents still hold?`
    default:
      // X, HubSpot and others do not report an ended refresh token in `error`. Their response ends no login, so we only advise a new one.
      if (asking.person && (name === 'invalid_request' || ENDED.test(`${name ?? ''} ${words}`))) {
        return logInAgain(client)
      }
      if (status === 404 || status === 405 || status === 410) return ` Is this the ${endpoint}?`
      if (status === 401 || status === 403) return ` It was asked by ${client}.`
      return ` It was asked by ${client}: does it want something else, or say more in its log?`
  }
}

/** HTTP Basic escapes some characters (RFC 6749 section 2.3.1). Servers such as Cloud Foundry's do not decode them, and know no such client. */
function howItAuthenticates(client: string): string {
  return client.endsWith('(client_secret_basic)')
    ? "are its id and its secret right? Some servers accept them with clientAuth 'client_secret_post' only."
    : 'are its id, its secret and the way it authenticates right?'
}

function logInAgain(client: string): string {
  return ` It was asked by ${client}; where this does not pass, the refresh token has ended: log in again.`
}

/** The host of a redirect, behind ' to '; empty if there is none. The rest of the URL is left out, because it may hold a secret. */
export function redirectHost({ headers, url }: Response, secrets: readonly string[]): string {
  const host = parsedUrl(headers.get('location') ?? '', url || undefined)?.host ?? ''
  const isHarmless = host.length <= 128 && !holdsSecret(host, secrets)
  return host !== '' && isHarmless ? ` to ${host}` : ''
}
