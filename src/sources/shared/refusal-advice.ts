import { holdsSecret } from '../../lib/harmless.ts'
import { parsedUrl } from '../../lib/secure-url.ts'

/** What was asked of an endpoint, as far as a refusal of it has to be judged and explained. */
export interface Asking {
  /** A person has logged in for it, and can do so again. */
  readonly person: boolean
  /** It redeems what must not be redeemed twice. */
  readonly spends: boolean
  /** It carries what a challenge demands. */
  readonly carriesClaims: boolean
  /** It goes by something signed that is good for a while only: another try, or another clock, may do. */
  readonly isSigned: boolean
  /** The client and how it authenticates, such as `client 'app' (client_secret_basic)`. */
  readonly client?: string | undefined
  /** Which endpoint was asked. Default: the token endpoint. */
  readonly endpoint?: string | undefined
  /** As asked for. */
  readonly scope?: string | undefined
  /** The scope is wider than the one of the configuration: it was demanded. */
  readonly isWider?: boolean | undefined
}

/** A refresh token that has ended, in words of the server's own. */
const ENDED =
  /\binvalid_grant\b|refresh[_ ]?token|\b(?:token|grant|code|session|login)\b.{0,40}\b(?:invalid|expired|revoked|not found|bad)\b|\b(?:invalid|expired|revoked|bad)\b.{0,20}\b(?:token|grant|session|login)\b/i

/**
 * What to look at, by the error. It begins with a blank.
 *
 * @param words what the server says besides
 */
export function adviceOn(status: number, name: string | undefined, asking: Asking, words = ''): string {
  const { client = 'the client', endpoint = 'token endpoint', isSigned, scope } = asking
  switch (name) {
    case 'invalid_client':
      return ` It does not accept ${client}: ${isSigned ? 'is its key or assertion registered there, and this clock right?' : howItAuthenticates(client)}`
    case 'unauthorized_client':
      // Atlassian says so of a refresh token.
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
      // Only `error` of a JSON object ends a login by itself: X, HubSpot and others say it otherwise.
      if (asking.person && (name === 'invalid_request' || ENDED.test(`${name ?? ''} ${words}`))) {
        return logInAgain(client)
      }
      if (status === 404 || status === 405 || status === 410) return ` Is this the ${endpoint}?`
      if (status === 401 || status === 403) return ` It was asked by ${client}.`
      return ` It was asked by ${client}: does it want something else, or say more in its log?`
  }
}

/** HTTP Basic escapes some characters (RFC 6749 section 2.3.1), and servers such as Cloud Foundry's take them as they come. */
function howItAuthenticates(client: string): string {
  return client.endsWith('(client_secret_basic)')
    ? "are its id and its secret right? Some servers accept them with clientAuth 'client_secret_post' only."
    : 'are its id, its secret and the way it authenticates right?'
}

function logInAgain(client: string): string {
  return ` It was asked by ${client}; where this does not pass, the refresh token has ended: log in again.`
}

/** Where a redirect leads: its host alone, for the rest of it may hold a secret. It begins with a blank, or is empty. */
export function redirectHost({ headers, url }: Response, secrets: readonly string[]): string {
  const host = parsedUrl(headers.get('location') ?? '', url || undefined)?.host ?? ''
  const isHarmless = host.length <= 128 && !holdsSecret(host, secrets)
  return host !== '' && isHarmless ? ` to ${host}` : ''
}
