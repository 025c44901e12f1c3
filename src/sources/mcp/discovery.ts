import { RefreshError } from '../../errors.ts'
import { optionError } from '../../lib/options.ts'
import { readEndpoint } from '../../lib/secure-url.ts'
import type { Described } from '../shared/oauth/metadata.ts'
import { shown } from '../shared/oauth/shown.ts'
import type { Http } from '../shared/token-request.ts'
import { invalid, isSameBut, readUrl, refused, refusedTarget } from './hosts.ts'
import { readIssuer } from './issuer-metadata.ts'
import type { McpClient } from './options.ts'
import { demandOf, readResource, type Resource } from './resource-metadata.ts'

/** ms. After this time the source reads the metadata again, and notices a server that has moved. */
const FRESH = 3_600_000

/** The authorization server that issues tokens for an MCP server. */
export interface Found {
  readonly issuer: string
  readonly described: Described
  /** The MCP server's name. Requests carry it verbatim as `resource` (RFC 8707). */
  readonly resource: string
  /** The scopes that the MCP server lists. */
  readonly scopes: readonly string[]
}

/** Finds the authorization server of an MCP server. */
export class Discovery {
  readonly server: URL
  readonly #text: string
  readonly #options: McpClient
  readonly #http: Http
  #found: { readonly found: Found; readonly named: string | undefined; readonly at: number } | undefined

  /** @throws RefreshError `invalid_option` */
  constructor(serverUrl: string | URL, options: McpClient, http: Http) {
    this.server = readEndpoint('serverUrl', serverUrl, http.plainHttp)
    this.#text = typeof serverUrl === 'string' ? serverUrl : serverUrl.href
    const { issuer, issuers, resourceMetadata } = options
    const isList =
      Array.isArray(issuers) && issuers.length > 0 && issuers.every((text) => typeof text === 'string')
    if (issuers !== undefined && !isList) {
      throw optionError('issuers', "must be a list of issuers, such as ['https://auth.example.com']")
    }
    for (const text of issuers ?? []) readEndpoint('issuers', text, http.plainHttp)
    if (issuer !== undefined) readEndpoint('issuer', issuer, http.plainHttp)
    if (issuer !== undefined && issuers !== undefined && !issuers.includes(issuer)) {
      throw optionError('issuer', "must be one of the 'issuers'")
    }
    if (resourceMetadata !== undefined) readEndpoint('resourceMetadata', resourceMetadata, http.plainHttp)
    this.#options = options
    this.#http = http
  }

  /** The result of an earlier discovery. Reading it sends no request. */
  get known(): Found | undefined {
    return this.#found?.found
  }

  /**
   * @param bound the issuer of the stored token. If the MCP server names several issuers, this one is chosen.
   * @param isAnew read the metadata again. The earlier result counts only if the metadata are out of reach.
   * @throws RefreshError
   */
  async find(
    challenge: string | undefined,
    signal: AbortSignal,
    { bound, isAnew = false }: { readonly bound?: string | undefined; readonly isAnew?: boolean } = {},
  ): Promise<Found> {
    const now = this.#http.clock.now()
    const { resourceMetadata: named } = await demandOf(challenge)
    const before = this.#found
    const isSame = before !== undefined && (named === undefined || named === before.named)
    if (isSame && !isAnew && now - before.at < FRESH && now >= before.at) return before.found
    try {
      const resource = await this.#resource(named ?? before?.named, signal)
      const issuer = this.#chosen(resource, bound)
      const described = await readIssuer(this.#http, issuer, signal)
      const { scopes } = resource
      const found = { issuer, described, resource: resource.resource, scopes }
      this.#found = { found, named: named ?? before?.named, at: now }
      return found
    } catch (error) {
      // An outage of the metadata alone must not fail a refresh: the token endpoint may still respond.
      if (isSame && !signal.aborted && isPassing(error)) return before.found
      throw error
    }
  }

  /** Forgets the earlier result, because the server may have moved. */
  forget(): void {
    this.#found = undefined
  }

  async #resource(named: string | undefined, signal: AbortSignal): Promise<Resource> {
    const { issuer, resourceMetadata } = this.#options
    if (issuer !== undefined) return { resource: this.#text, issuers: [issuer], scopes: [] }
    return readResource(this.#http, this.server, resourceMetadata, named, signal)
  }

  #chosen({ issuers: named }: Resource, bound: string | undefined): string {
    const { host } = this.server
    const { issuer, issuers } = this.#options
    if (issuer !== undefined) return issuer
    const list = named.slice(0, 4).map(shown).join(', ')
    if (named.length === 0) {
      throw invalid(
        `The metadata of ${host} name no authorization server: give its 'issuer', or mend 'authorization_servers' there.`,
      )
    }
    if (issuers !== undefined) {
      // Some MCP servers add or drop the slash at the end of an issuer. The user's spelling wins. The issuer's own metadata must match it.
      const allowed = issuers.filter((text) => named.some((name) => isSameBut(name, text)))
      const chosen = allowed.find((text) => text === bound) ?? allowed[0]
      if (chosen !== undefined) return chosen
      throw refused(
        `${host} sends its clients to ${list}, which is not among the 'issuers' that this client trusts: ${issuers.map(shown).join(', ')}. Add it there, if you trust it.`,
      )
    }
    const chosen = named.length === 1 ? named[0] : named.find((text) => text === bound)
    if (chosen === undefined) {
      throw invalid(
        `The metadata of ${host} name ${named.length} authorization servers: ${list}${named.length > 4 ? ' …' : ''}. Say which one to trust with 'issuers'.`,
      )
    }
    const url = readUrl(chosen)
    const why =
      url?.search === '' || url === undefined
        ? refusedTarget(url, this.server, this.#http.plainHttp)
        : 'it holds a query'
    if (why === undefined) return chosen
    throw refused(
      `${host} sends its clients to ${shown(chosen)}, which is not asked: ${why}. If you trust it, name it in 'issuers'.`,
    )
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof RefreshError &&
    ['source_unreachable', 'source_unavailable', 'source_rate_limited'].includes(error.code)
  )
}
