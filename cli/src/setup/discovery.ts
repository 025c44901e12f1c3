import type { OAuthDefinition } from '../config/credentials.ts'
import { failureOf, proxiedFetch } from './http.ts'

/** What a login needs from a server's metadata. */
export interface Discovered {
  readonly hasBrowserLogin: boolean
  readonly hasDeviceLogin: boolean
  readonly hasRevocation: boolean
  /** The scopes that the server names; undefined if it names none. */
  readonly scopes: readonly string[] | undefined
  /** How far the server's clock is ahead of ours, in ms; undefined if the server sends no date. */
  readonly clockAhead: number | undefined
  /** Why there are no metadata; undefined if they were read, or if none are needed. */
  readonly problem: string | undefined
  /** The kind of remedy, if the server's response shows it. */
  readonly remedy: 'network' | 'issuer' | { readonly issuer: string } | undefined
}

/** The longest wait for a response, in ms. */
const TIMEOUT = 10_000

/** Reads the metadata of an authorization server (RFC 8414, OpenID Connect Discovery). It never throws. */
export async function discover(
  definition: Pick<
    OAuthDefinition,
    'issuer' | 'authorizationEndpoint' | 'deviceAuthorizationEndpoint' | 'revocationEndpoint'
  >,
): Promise<Discovered> {
  const { issuer, authorizationEndpoint, deviceAuthorizationEndpoint, revocationEndpoint } = definition
  const given = {
    hasBrowserLogin: authorizationEndpoint !== undefined,
    hasDeviceLogin: deviceAuthorizationEndpoint !== undefined,
    hasRevocation: revocationEndpoint !== undefined,
    scopes: undefined,
    clockAhead: undefined,
    problem: undefined,
    remedy: undefined,
  }
  if (issuer === undefined) return given
  const send = (await proxiedFetch()) ?? fetch
  let problem = ''
  let remedy: Discovered['remedy'] = 'network'
  for (const url of locations(issuer)) {
    try {
      const response = await send(url, {
        headers: { accept: 'application/json' },
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT),
      })
      const clockAhead = clockOf(response)
      if (!response.ok) {
        problem = `${new URL(issuer).host} has no metadata (${response.status})`
        remedy = 'issuer'
        await response.body?.cancel()
        continue
      }
      const metadata: unknown = JSON.parse((await response.text()).slice(0, 262_144))
      const has = (name: string): boolean => typeof Reflect.get(Object(metadata), name) === 'string'
      const named: unknown = Reflect.get(Object(metadata), 'issuer')
      if (!isSame(named, issuer)) {
        problem = `The metadata of ${new URL(issuer).host} ${typeof named === 'string' ? `name another issuer, ${JSON.stringify(named)}` : 'name no issuer'}`
        return {
          ...given,
          clockAhead,
          problem,
          remedy: typeof named === 'string' ? { issuer: named } : 'issuer',
        }
      }
      const scopes: unknown = Reflect.get(Object(metadata), 'scopes_supported')
      return {
        hasBrowserLogin: given.hasBrowserLogin || has('authorization_endpoint'),
        hasDeviceLogin: given.hasDeviceLogin || has('device_authorization_endpoint'),
        hasRevocation: given.hasRevocation || has('revocation_endpoint'),
        scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : undefined,
        clockAhead,
        problem: undefined,
        remedy: undefined,
      }
    } catch (error) {
      remedy = error instanceof SyntaxError ? 'issuer' : 'network'
      problem = `${new URL(issuer).host} ${reasonOf(error, new URL(url))}`
    }
  }
  return { ...given, problem, remedy }
}

/**
 * The remedy if the metadata could not be read.
 *
 * @param about the path of the credential: `credentials.work`
 * @param source the kind of the source. The configuration does not have the authorization server of an MCP server
 */
export function discoveryFix(
  about: string,
  { remedy }: Pick<Discovered, 'remedy'>,
  source = 'oauth',
): string {
  if (source === 'mcp')
    return remedy === 'network'
      ? 'Check the network and the proxy variables; behind a CA of your own, set NODE_EXTRA_CA_CERTS. If the server has moved, log in again.'
      : `Ask the operator of the server. If it has moved, check ${about}.url, and log in again.`
  if (typeof remedy === 'object')
    return `Check ${about}.issuer: if that server is meant, set it to ${JSON.stringify(remedy.issuer)}.`
  return remedy === 'issuer'
    ? `Check ${about}.issuer; where the server publishes no metadata, set ${about}.tokenEndpoint.`
    : `Check ${about}.issuer, the network and the proxy variables; behind a CA of your own, set NODE_EXTRA_CA_CERTS.`
}

/** The places of the metadata: RFC 8414 section 3, then OpenID Connect Discovery section 4. */
function locations(issuer: string): string[] {
  const url = new URL(issuer)
  const path = url.pathname.replace(/\/$/, '')
  return [
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
    `${url.origin}${path}/.well-known/openid-configuration`,
  ]
}

/** True if the metadata name the same issuer (RFC 8414 section 3.3). A slash at the end does not matter. */
function isSame(named: unknown, issuer: string): boolean {
  const plain = (url: string): string => new URL(url).href.replace(/\/$/, '')
  return typeof named === 'string' && URL.canParse(named) && plain(named) === plain(issuer)
}

function clockOf(response: Response): number | undefined {
  const date = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(date) ? undefined : date - Date.now()
}

function reasonOf(error: unknown, url: URL): string {
  if (error instanceof SyntaxError) return 'gave metadata that are no JSON'
  return `cannot be reached (${failureOf(error, url)})`
}
