import { factsOf, noting } from '../../credential/failure-facts.ts'
import { memoryStore } from '../../credential/memory-store.ts'
import type { Source, SourceContext } from '../../credential/source.ts'
import type { MadeFor } from '../../credential/store.ts'
import type { AccessToken } from '../../credential/token.ts'
import { RefreshError } from '../../errors.ts'
import { anything, optionError } from '../../lib/options.ts'
import { ClientSecrets } from '../shared/oauth/client-auth.ts'
import { readGrant } from '../shared/oauth/grant.ts'
import type {
  AssertionTarget,
  ExtensionGrant,
  Grant,
  Jwk,
  JwtBearerGrant,
  OAuthClient,
  PrivateKey,
  RefreshTokenGrant,
  TokenExchangeGrant,
} from '../shared/oauth/options.ts'
import { each, type Parameters } from '../shared/oauth/target.ts'
import { JWT_BEARER } from '../shared/oauth/token-exchange.ts'
import { namesIn, WiderScope, withScope } from '../shared/oauth/wider-scope.ts'
import type { SecretOption } from '../shared/secret.ts'
import { readTokens } from '../shared/token-endpoint.ts'
import { readHttp } from '../shared/token-request.ts'
import { assertBound, assertRefreshable, assertSameIssuer, boundOf, withBound } from './bound.ts'
import { checkClient, Clients, isUnknownClient, sentResource } from './client.ts'
import { Discovery, type Found } from './discovery.ts'
import { checkStore } from './kept.ts'
import { mcpLogin } from './login.ts'
import type {
  McpBeginOptions,
  McpBrowserOptions,
  McpClient,
  McpFinishOptions,
  McpLogin,
  McpLoginBegun,
  McpLoginOptions,
  McpOptions,
} from './options.ts'
import { demandOf } from './resource-metadata.ts'

const NO_TARGET = { issuer: '', resource: undefined, scope: undefined }

/**
 * Tokens for an MCP server (Model Context Protocol, authorization). The source finds the authorization server in the MCP server's metadata
 * (RFC 9728, RFC 8414), and requests tokens for this MCP server only (RFC 8707). It sends a refresh token only to the server that issued it.
 * It needs the package `oauth4webapi`.
 *
 * Give the credential's `refreshingFetch()` to the MCP client as its `fetch`, and no `authProvider`. A person logs in with {@link mcpLogin}.
 *
 * `issue` throws a RefreshError, as the one of `oauth()` does. It also throws `reauthentication_required` if the MCP server now names another
 * authorization server, and `source_refused` if metadata or a challenge name a URL that the library must not request.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const store = fileStore()
 * const credential = createCredential({ source: mcp('https://mcp.example.com/mcp', { store }), store, key: 'mcp.example.com' })
 */
export function mcp(serverUrl: string | URL, options: McpOptions = {}): Source {
  checkClient(options, { grant: anything })
  const http = readHttp(options)
  const discovery = new Discovery(serverUrl, options, http)
  const clients = new Clients(options, checkStore(options.store) ?? memoryStore())
  const grant = readGrant(options.grant ?? 'refresh_token')
  const spends = grant.type === 'refresh_token'
  if (!spends && options.clientId === undefined && options.clientMetadataUrl === undefined) {
    throw optionError('clientId', 'is missing: only a login by a person can register a client')
  }
  if (grant.type === 'client_credentials') secretsOf(options).refusePublic()
  if (options.scope !== undefined) each('scope', options.scope)
  const wider = new WiderScope()
  const isTrusted = options.issuers !== undefined || options.issuer !== undefined

  const issue = async (context: SourceContext, sent: () => void): Promise<AccessToken> => {
    const { current, challenge, signal, madeFor } = context
    const own = boundOf(current)
    // An imported login does not name its client, but its record does.
    const bound = own ?? (spends ? madeFor : undefined)
    // Without a refresh token this throws, before any request is sent.
    if (spends) await grant.parameters({ ...context, target: NO_TARGET })
    const found = await discovery.find(challenge, signal, { bound: bound?.issuer })
    const now = { issuer: found.issuer, client: clients.configured }
    if (spends) assertBound(bound, now, discovery.server.host)
    else if (!isTrusted) assertSameIssuer(own, found.issuer, discovery.server.host)
    if (spends && bound?.client !== undefined && (own === undefined || own.proves === true)) {
      await clients.assertKnown(found, bound.client)
    }
    const client = await clients.existing(found, spends ? bound?.client : undefined)
    const isNarrower = context.asGranted === true
    // The endpoint now refuses the scopes, so we forget the demanded ones. It accepted the earlier ones.
    if (isNarrower) wider.forget()
    const scope = spends
      ? granted(isNarrower ? undefined : options.scope, current)
      : await scopeFor(found, challenge)
    const { issuer, resource } = found
    const proofs = await grant.parameters({ ...context, target: { issuer, resource, scope } })
    const parameters: Parameters = [
      ...each('scope', scope),
      ...each('resource', sentResource(options, resource)),
      ...proofs,
    ]
    // A request that redeems a refresh token has no timeout, because only its response holds the new token. The end of the flight ends it.
    const asked = { signal, sent, ...(spends && { timeout: Infinity }) }
    const whole = await client.ask('token_endpoint', asked, (peer, { server, party, auth }, request) =>
      peer.genericTokenEndpointRequest(server, party, auth, grant.type, parameters, request),
    )
    const { status } = whole.response
    if (status === 404 || status === 410) discovery.forget()
    if (spends && isUnknownClient(whole) && clients.isRegistered(client.id)) {
      await clients.registrations(found).forget(client.id)
      throw noting(unknownClient(client.id, found), { reach: 'answered' })
    }
    const { isSigned, person } = grant
    const about = { person, spends, isSigned, carriesClaims: false, scope, isWider: wider.names.length > 0 }
    try {
      const token = readTokens(whole, client.asking(about), client.now())
      const made = { issuer, client: client.id, proves: clients.proves(client.id) }
      return withBound(spends ? token : withScope(token, scope), made)
    } catch (error) {
      // The authorization server may have moved, so the next request starts with a new discovery.
      if (error instanceof RefreshError && error.terminal) discovery.forget()
      throw error
    }
  }

  const scopeFor = async ({ scopes }: Found, challenge: string | undefined): Promise<string | undefined> => {
    const { scope = scopes.join(' ') } = options.scope === undefined ? await demandOf(challenge) : options
    return wider.with(scope)
  }

  return {
    spendsRefreshToken: spends,
    /** Discovery finds the issuer. Until then the stored token names the issuer. */
    get madeFor(): MadeFor {
      const { issuer = options.issuer, resource } = discovery.known ?? {}
      return {
        issuer,
        client: clients.configured,
        resource,
        scope: wider.with(options.scope),
      }
    },
    ...(spends && { assertOwn: (token: AccessToken) => assertRefreshable(token, clients) }),
    presented: async (input) => {
      const { issuer: known = options.issuer, resource } = discovery.known ?? {}
      const target = { issuer: known ?? '', resource, scope: wider.with(options.scope) }
      // An assertion names its authorization server, so before discovery there is no assertion.
      const isKnown = known !== undefined || grant.type !== JWT_BEARER
      const proofs = isKnown ? (await grant.parameters({ ...input, target })).map(([, value]) => value) : []
      const secret = await secretsOf(options).presented(input.signal)
      const client = clients.configured ?? boundOf(input.current)?.client ?? input.madeFor?.client ?? ''
      const { issuers = [], issuer = '', scope = '', resourceParameter = '' } = options
      const texts = [discovery.server.href, client, secret, issuer, scope, resourceParameter]
      return [...proofs, ...texts, ...issuers, ...wider.names]
    },
    /** Only a person can widen the scope of a refresh token. */
    ...(!spends && { widen: wider.widen }),
    ...(grant.seed !== undefined && { seed: grant.seed }),
    issue: async (context) => {
      let isSent = false
      const sent = (): void => {
        isSent = true
        // Only a request that spends a refresh token is reported: any other request may be sent again at any time.
        if (spends) context.sent?.()
      }
      try {
        return await issue(context, sent)
      } catch (error) {
        if (isSent || !(error instanceof RefreshError)) throw error
        // A failed discovery does not concern the refresh token, because the source has not sent it.
        throw noting(error, { reach: factsOf(error).reach === 'broken' ? 'broken' : 'unsent' })
      }
    },
  }
}

/** Keeps the scopes that a person granted on demand: a refresh must not lose them. */
function granted(scope: string | undefined, current: AccessToken | undefined): string | undefined {
  if (scope === undefined) return undefined
  return [...new Set([...namesIn(scope), ...namesIn(current?.scope)])].join(' ')
}

function secretsOf({
  clientSecret,
  clientAuth,
  privateKey,
  clientAssertion,
  fetch,
}: McpOptions): ClientSecrets {
  const given: Partial<OAuthClient> = {
    ...(fetch !== undefined && { fetch }),
    ...(clientSecret !== undefined && { clientSecret }),
    ...(clientAuth !== undefined && { clientAuth }),
    ...(privateKey !== undefined && { privateKey }),
    ...(clientAssertion !== undefined && { clientAssertion }),
  }
  return new ClientSecrets({ clientId: '', ...given })
}

function unknownClient(id: string, { issuer }: Found): RefreshError {
  const message = `${issuer} does not know the client '${id.slice(0, 256)}' any more (invalid_client), so its refresh token is no good: log in again, which registers a new one.`
  return new RefreshError('reauthentication_required', message)
}

export type { TokenRequestOptions } from '../shared/token-request.ts'
export type { WebCryptoKey } from '../../lib/web-crypto-key.ts'
export { mcpLogin }
export type {
  AssertionTarget,
  ExtensionGrant,
  Grant,
  Jwk,
  JwtBearerGrant,
  McpBeginOptions,
  McpBrowserOptions,
  McpClient,
  McpFinishOptions,
  McpLogin,
  McpLoginBegun,
  McpLoginOptions,
  McpOptions,
  PrivateKey,
  RefreshTokenGrant,
  SecretOption,
  TokenExchangeGrant,
}
