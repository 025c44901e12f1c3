import type { RefreshError } from '../../errors.ts'
import { readChallenges } from '../shared/oauth/challenge.ts'
import { shown } from '../shared/oauth/shown.ts'
import type { Http } from '../shared/token-request.ts'
import { fetchDocument, probe } from './documents.ts'
import { invalid, placeName, readUrl, refused, refusedTarget } from './hosts.ts'

const WHAT = 'metadata of the MCP server'
/** The most entries of a list that are read. No server lists that many. */
const MOST = 32

/** An MCP server's metadata (RFC 9728). */
export interface Resource {
  /** The MCP server's name. Requests carry it verbatim as `resource` (RFC 8707). */
  readonly resource: string
  /** The issuers of its authorization servers. */
  readonly issuers: readonly string[]
  readonly scopes: readonly string[]
}

/** The metadata URL and the scope that a challenge names. */
export interface Demand {
  readonly resourceMetadata: string | undefined
  readonly scope: string | undefined
  /** True if the token is valid but lacks the scope (RFC 6750 section 3.1). */
  readonly isStepUp: boolean
}

/** Reads the first metadata URL, and the first scope, that the challenges of a header name. */
export async function demandOf(challenge: string | undefined): Promise<Demand> {
  const read = challenge === undefined ? [] : await readChallenges(challenge)
  const parameter = (name: string): string | undefined =>
    read.map(({ parameters }) => parameters[name]).find((found) => found !== undefined && found !== '')
  const isStepUp = parameter('error') === 'insufficient_scope'
  return { resourceMetadata: parameter('resource_metadata'), scope: parameter('scope'), isStepUp }
}

/**
 * Finds an MCP server's metadata: at the URL that its challenge names, else at the well-known URL for its path, else at the one for its
 * root. If no URL was named and neither of those has any, a request without a credential asks the server, and its challenge names the URL.
 *
 * The well-known URLs are tried even if a challenge names another URL: the library that writes a server's challenges may not know where that
 * server has its metadata.
 *
 * @param given the URL that the user gives. No other place is tried then.
 * @param named the URL that the challenge names
 * @throws RefreshError
 */
export async function readResource(
  http: Http,
  server: URL,
  given: string | undefined,
  named: string | undefined,
  signal: AbortSignal,
): Promise<Resource> {
  if (given !== undefined) return required(http, server, new URL(given), signal)
  const first = named === undefined ? [] : [ownPlace(server, named)]
  for (const place of [...first, ...placesOf(server).filter(({ href }) => href !== first[0]?.href)]) {
    const { fields } = await fetchDocument(http, place, WHAT, signal)
    if (fields !== undefined) return readFields(fields, server, place)
  }
  if (first[0] !== undefined) throw absent(first[0])
  const { resourceMetadata } = await demandOf(await probe(http, server, signal))
  if (resourceMetadata === undefined) {
    throw invalid(
      `${server.host} publishes no metadata of an MCP server (RFC 9728): is ${server.origin}${server.pathname} the server's URL? Where it has none, give its 'issuer'.`,
    )
  }
  return required(http, server, ownPlace(server, resourceMetadata), signal)
}

/** The well-known URLs. They keep the query, which belongs to the server's name (RFC 9728 section 3.1). */
function placesOf({ origin, pathname, search }: URL): readonly URL[] {
  const wellKnown = '/.well-known/oauth-protected-resource'
  const own = wellKnown + pathname.replace(/\/+$/, '') + search
  return [...new Set([own, wellKnown])].map((path) => new URL(path, origin))
}

/**
 * Checks the metadata URL of a challenge. A header may name only a URL on the origin that sent the header.
 *
 * @throws RefreshError `source_refused`
 */
function ownPlace(server: URL, named: string): URL {
  const url = readUrl(named)
  const why = url?.origin === server.origin ? refusedTarget(url, server, [server.origin]) : 'another origin'
  if (url !== undefined && why === undefined) return url
  throw refused(
    `The challenge of ${server.origin} names ${shown(named)} as the place of its metadata, which is not asked: ${url === undefined ? 'it is no URL' : why}. If you trust it, name it in 'resourceMetadata'.`,
  )
}

async function required(http: Http, server: URL, place: URL, signal: AbortSignal): Promise<Resource> {
  const { fields } = await fetchDocument(http, place, WHAT, signal)
  if (fields !== undefined) return readFields(fields, server, place)
  throw absent(place)
}

function absent(place: URL): RefreshError {
  return invalid(
    `There are no metadata of an MCP server at ${placeName(place)}: if they are elsewhere, name the place in 'resourceMetadata'.`,
  )
}

function readFields(fields: Readonly<Record<string, unknown>>, server: URL, place: URL): Resource {
  const resource = fields['resource']
  if (typeof resource !== 'string' || !isOf(readUrl(resource), server)) {
    const what = typeof resource === 'string' ? `name the resource ${shown(resource)}` : 'name no resource'
    throw invalid(
      `The metadata at ${placeName(place)} ${what}, and the server is ${placeName(server)}: they are another server's. Is its URL right?`,
    )
  }
  return {
    resource,
    issuers: [...new Set(textsIn(fields['authorization_servers']))],
    scopes: textsIn(fields['scopes_supported']).filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)),
  }
}

/** Whether a resource is the server itself, or a path above it on the same origin. Another query may be another tenant, so it must match. */
function isOf(resource: URL | undefined, server: URL): boolean {
  if (resource === undefined || resource.origin !== server.origin || resource.hash !== '') return false
  if (resource.search !== '' && resource.search !== server.search) return false
  const path = resource.pathname.replace(/\/+$/, '')
  return `${server.pathname.replace(/\/+$/, '')}/`.startsWith(`${path}/`)
}

function textsIn(value: unknown): string[] {
  const listed: unknown[] = Array.isArray(value) ? value.slice(0, MOST) : []
  return listed.filter((text): text is string => typeof text === 'string' && text !== '')
}
