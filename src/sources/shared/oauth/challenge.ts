import { claimsOf } from '../claims.ts'
import { loadOAuth, type Peer } from './oauth4webapi.ts'
import type { ParsedChallenge } from './options.ts'
import type { Parameters } from './target.ts'

/** Characters. A longer header is not read. */
const LONGEST_HEADER = 16_384

/**
 * Parses the challenges of a `WWW-Authenticate` header (RFC 9110 section 11.6.1), such as the `challenge` that a source gets. The list is
 * empty if the header cannot be parsed, or is longer than 16,384 characters.
 *
 * @throws RefreshError `invalid_option` if oauth4webapi is not installed
 * @example
 * const [bearer] = await readChallenges('Bearer resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"')
 * bearer?.parameters['resource_metadata']
 */
export async function readChallenges(header: string): Promise<readonly ParsedChallenge[]> {
  if (header.length > LONGEST_HEADER) return []
  const { processRevocationResponse, WWWAuthenticateChallengeError }: Peer = await loadOAuth()
  try {
    // oauth4webapi exports no parser of challenges. It parses them when it processes a 401, so we make one.
    await processRevocationResponse(
      new Response(null, { status: 401, headers: { 'www-authenticate': header } }),
    )
  } catch (error) {
    if (error instanceof WWWAuthenticateChallengeError) {
      return error.cause.map(({ scheme, parameters }) => ({ scheme, parameters: texts(parameters) }))
    }
  }
  return []
}

/**
 * Adds the claims that a challenge of Microsoft's APIs demands to the `claims` parameter of the next request. Configured claims stay in it.
 */
export function withClaims(given: Parameters, challenge: string | undefined): Parameters {
  const claims = readJson(claimsOf(challenge) ?? '')
  if (claims === undefined) return given
  const own = given.find(([name]) => name === 'claims')?.[1]
  const merged = JSON.stringify(merge(readJson(own ?? ''), claims))
  return [...given.filter(([name]) => name !== 'claims'), ['claims', merged]]
}

function readJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function merge(one: object | undefined, other: object): object {
  const merged: Record<string, unknown> = { ...one }
  for (const [name, value] of Object.entries(other)) {
    const before = merged[name]
    merged[name] = isObject(before) && isObject(value) ? merge(before, value) : value
  }
  return merged
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function texts(parameters: object): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => typeof value === 'string'))
}
