import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ResourceServer } from 'oidc-provider'
import { TokenStorage } from './token-storage.ts'

/** Options of the authorization server. */
export interface AuthorizationServerOptions {
  /** Life of an access token, in whole seconds. Default: 3600. */
  accessTokenSeconds?: number
  /** How the client authenticates at the token endpoint. Default: `client_secret_basic`. */
  clientAuthentication?: 'client_secret_basic' | 'client_secret_post' | 'none'
  /** Returns the `resource` that clients may request (RFC 8707). It is called late, when the API has its URL. Default: none. */
  resource?: () => string
  /**
   * Awaited before a token request is handled, such as a gate of a test or the delay of a real network. If it throws, the server responds 503.
   */
  beforeToken?: () => Promise<void> | void
  /** Awaited after a token request was handled, before the response is sent. */
  afterToken?: () => Promise<void> | void
}

/** One login: the family of all tokens that descend from one first refresh token. */
export interface Login {
  readonly accessToken: string
  readonly refreshToken: string
  /** Life of the access token, in seconds. */
  readonly expiresIn: number
  /** The number of redeemed refresh tokens of this family. */
  redemptions(): number
  /** The number of refused redemptions of this family. */
  refused(): number
  /** Whether a refresh token was used twice, so that the server has revoked every token of the family. */
  revoked(): boolean
  /** When each access token of this family was issued, in epoch ms, oldest first. */
  issuedAt(): readonly number[]
}

/** A running authorization server. */
export interface AuthorizationServer {
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly client: { readonly id: string; readonly secret: string }
  /** Makes a login, as a person in a browser would. */
  login(): Promise<Login>
  /** Whether an access token is valid at this instant. */
  isActive(accessToken: string): Promise<boolean>
  /** Ends every access token that was issued so far. Refresh tokens stay valid. */
  expireAccessTokens(): void
  /** The number of requests that reached the token endpoint. */
  tokenRequests(): number
  /** The number of redeemed refresh tokens. */
  redemptions(): number
  /** The number of redemptions that the server refused with `invalid_grant`. */
  refused(): number
  close(): Promise<void>
}

interface Family {
  redemptions: number
  refused: number
  revoked: boolean
  issuedAt: number[]
}

const ACCOUNT = 'alice'
const SCOPE = 'offline_access'

/**
 * Starts a real authorization server (oidc-provider) on loopback and a free port, with one client. Refresh tokens rotate. If a client uses one
 * twice, the server revokes its whole family (RFC 9700 section 4.14.2).
 *
 * @example
 * const server = await startAuthorizationServer({ accessTokenSeconds: 3 })
 * const { refreshToken } = await server.login()
 */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const accessTokenSeconds = options.accessTokenSeconds ?? 3600
  const client = { id: 'demo-client', secret: randomUUID() }
  const storage = new TokenStorage()
  const families = new Map<string, Family>()
  const counts = { tokenRequests: 0, redemptions: 0, refused: 0 }

  const server = createServer()
  // On a busy machine a client may send a request on a connection just when the server closes it for being idle.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  const issuer = `http://127.0.0.1:${address.port}`

  const resourceIndicators = {
    enabled: true,
    getResourceServerInfo: (): ResourceServer => ({
      scope: '',
      accessTokenFormat: 'opaque',
      accessTokenTTL: accessTokenSeconds,
    }),
    useGrantedResource: () => true,
  }
  const provider = await quietly(async () => {
    const { Provider } = await import('oidc-provider')
    return new Provider(issuer, {
      adapter: (model: string) => storage.adapter(model),
      clients: [
        {
          client_id: client.id,
          client_secret: client.secret,
          token_endpoint_auth_method: options.clientAuthentication ?? 'client_secret_basic',
          grant_types: ['refresh_token'],
          response_types: [],
          redirect_uris: [],
        },
      ],
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      features: { devInteractions: { enabled: false }, ...(options.resource && { resourceIndicators }) },
      rotateRefreshToken: true,
      ttl: { AccessToken: accessTokenSeconds, RefreshToken: 86_400, Grant: 86_400, IdToken: 3600 },
    })
  })

  provider.on('access_token.saved', (token) => {
    families.get(token.grantId ?? '')?.issuedAt.push(Date.now())
  })
  provider.on('grant.success', (context) => {
    counts.redemptions++
    const family = families.get(context.oidc.entities.RefreshToken?.grantId ?? '')
    if (family) family.redemptions++
  })
  provider.on('grant.error', (context, error) => {
    if (error.error !== 'invalid_grant') return
    counts.refused++
    const family = families.get(storage.grantOf(context.oidc.params?.['refresh_token']) ?? '')
    if (family) family.refused++
  })
  provider.on('grant.revoked', (_context, grantId) => {
    const family = families.get(grantId)
    if (family) family.revoked = true
  })

  provider.use(async ({ path }: { path: string }, next: () => Promise<void>) => {
    await next()
    if (path === '/token') await options.afterToken?.()
  })
  const handle = provider.callback()
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/token') {
      counts.tokenRequests++
      try {
        await options.beforeToken?.()
      } catch {
        response.writeHead(503).end()
        return
      }
    }
    await handle(request, response)
  }
  server.on('request', (request, response) => void serve(request, response))

  async function login(): Promise<Login> {
    const registered = await provider.Client.find(client.id)
    if (registered === undefined) throw new Error('The client is not registered.')
    const grant = new provider.Grant({ clientId: client.id, accountId: ACCOUNT })
    grant.addOIDCScope(SCOPE)
    const grantId = await grant.save()
    const family: Family = { redemptions: 0, refused: 0, revoked: false, issuedAt: [] }
    families.set(grantId, family)
    const claims = {
      client: registered,
      accountId: ACCOUNT,
      grantId,
      gty: 'authorization_code',
      scope: SCOPE,
      ...(options.resource && { resource: options.resource() }),
    }
    return {
      accessToken: await new provider.AccessToken(claims).save(),
      refreshToken: await new provider.RefreshToken(claims).save(),
      expiresIn: accessTokenSeconds,
      redemptions: () => family.redemptions,
      refused: () => family.refused,
      revoked: () => family.revoked,
      issuedAt: () => family.issuedAt,
    }
  }

  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    client,
    login,
    isActive: async (accessToken) =>
      (await provider.AccessToken.find(accessToken, { ignoreExpiration: true })) !== undefined &&
      storage.alive('AccessToken', accessToken),
    expireAccessTokens: () => storage.end('AccessToken'),
    tokenRequests: () => counts.tokenRequests,
    redemptions: () => counts.redemptions,
    refused: () => counts.refused,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Runs a step without the advice for production that oidc-provider prints when it is loaded and constructed. */
export async function quietly<T>(step: () => Promise<T>): Promise<T> {
  const { warn, info } = console
  const unlessAdvice =
    (print: typeof console.warn): typeof console.warn =>
    (...words) => {
      if (!String(words[0]).includes('oidc-provider ')) print(...words)
    }
  console.warn = unlessAdvice(warn)
  console.info = unlessAdvice(info)
  try {
    return await step()
  } finally {
    Object.assign(console, { warn, info })
  }
}
