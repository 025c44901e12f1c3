import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { ClientMetadata, Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { quietly } from './authorization-server.ts'
import { TokenStorage } from './token-storage.ts'

/** A request that reached the server. */
export interface OidcRequest {
  readonly route: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly authorization: string | undefined
}

/** An authorization server with one client for each authentication method. */
export interface OidcServer {
  readonly issuer: string
  readonly provider: Provider
  /** All requests, including those for metadata. */
  readonly requests: readonly OidcRequest[]
  /** The requests to one endpoint. */
  to(route: 'token' | 'discovery' | 'revocation' | 'device_authorization'): readonly OidcRequest[]
  /** Makes a new login, and returns its first tokens. */
  login(clientId: string): Promise<{ accessToken: string; refreshToken: string }>
  /** Confirms or denies a device code, as a person would. */
  confirm(userCode: string, how: 'allow' | 'deny'): Promise<void>
  /** Acts as a person's browser: follows redirects, and logs in. Returns the last page. */
  browse(url: string): Promise<Response>
  isActive(accessToken: string): Promise<boolean>
  close(): Promise<void>
}

/** The secret of the clients that have one. It holds characters that form encoding changes (RFC 6749 section 2.3.1). */
export const SECRET = 'canary: s3cret/+%&=*'
/** The subject token or assertion that the server accepts. */
export const BELIEVED = 'canary-subject-token'
export const RESOURCE = 'https://api.example.com/'

/** The private key of each client that signs. Its algorithm is the client's id. */
export const KEYS: Readonly<Record<'RS256' | 'ES256' | 'Ed25519', KeyObject>> = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  Ed25519: generateKeyPairSync('ed25519').privateKey,
}

const ALGORITHMS = ['RS256', 'ES256', 'Ed25519'] as const
const SECONDS = 600
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const EXTENSION_GRANTS = { [TOKEN_EXCHANGE]: 'subject_token', [JWT_BEARER]: 'assertion' }

function clients(): ClientMetadata[] {
  const grants = ['refresh_token', 'client_credentials', TOKEN_EXCHANGE, JWT_BEARER, DEVICE_CODE]
  const shared = { grant_types: grants, response_types: [], redirect_uris: [] }
  const secret = { client_secret: SECRET }
  return [
    { client_id: 'basic', ...secret, token_endpoint_auth_method: 'client_secret_basic', ...shared },
    { client_id: 'post', ...secret, token_endpoint_auth_method: 'client_secret_post', ...shared },
    ...ALGORITHMS.map((alg): ClientMetadata => {
      const jwk = { ...KEYS[alg].export({ format: 'jwk' }), kid: alg, alg, use: 'sig' }
      const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicKey } = jwk
      return {
        client_id: alg,
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        jwks: { keys: [publicKey] },
        ...shared,
      }
    }),
    {
      client_id: 'public',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/back'],
    },
  ]
}

/**
 * Starts a real authorization server (oidc-provider) on loopback and a free port. Refresh tokens rotate. The server has the grants of
 * oidc-provider, and two that oidc-provider leaves to its users (RFC 8693, RFC 7523).
 *
 * @param options.interval s: the `interval` in device responses. oidc-provider sends none, which means 5 (RFC 8628 section 3.5).
 */
export async function startOidcServer(
  configuration: Configuration = {},
  { interval }: { readonly interval?: number } = {},
): Promise<OidcServer> {
  const storage = new TokenStorage()
  const requests: OidcRequest[] = []
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  const issuer = `http://127.0.0.1:${address.port}`

  const provider = await quietly(async () => {
    const oidc = await import('oidc-provider')
    return new oidc.Provider(issuer, {
      adapter: (model: string) => storage.adapter(model),
      clients: clients(),
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
      enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'ES256', 'Ed25519'] },
      scopes: ['openid', 'offline_access', 'chat'],
      cookies: { keys: ['test'] },
      interactions: { url: () => '/login' },
      loadExistingGrant: (context) => grantFor(context.oidc.client?.clientId ?? '', 'openid offline_access'),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        deviceFlow: { enabled: true },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({ scope: 'chat', accessTokenFormat: 'opaque' }),
          useGrantedResource: () => true,
        },
      },
      rotateRefreshToken: true,
      ttl: {
        AccessToken: SECONDS,
        ClientCredentials: SECONDS,
        DeviceCode: SECONDS,
        RefreshToken: 86_400,
        Grant: 86_400,
        IdToken: 3600,
        Session: 3600,
        Interaction: 3600,
      },
      ...configuration,
    })
  })
  for (const [type, field] of Object.entries(EXTENSION_GRANTS)) {
    const names = [field, 'scope', 'audience', 'resource', 'actor_token', 'actor_token_type']
    const more = ['subject_token_type', 'requested_token_type', 'claims']
    provider.registerGrantType(type, extensionGrant(field), [...names, ...more], ['audience', 'resource'])
  }
  provider.use(async (context: KoaContextWithOIDC, next: () => Promise<void>) => {
    await next()
    const { route, body } = context.oidc ?? {}
    if (interval !== undefined && route === 'device_authorization')
      Object.assign(Object(context.body), { interval })
    const authorization = context.get('authorization') || undefined
    requests.push({ route: route ?? context.path, parameters: { ...body }, authorization })
  })

  function extensionGrant(field: string) {
    return async (context: Pick<KoaContextWithOIDC, 'oidc' | 'body'>): Promise<void> => {
      const { client, params } = context.oidc
      if (client === undefined || params?.[field] !== BELIEVED) {
        const { errors } = await import('oidc-provider')
        throw new errors.InvalidGrant(`the ${field} is not believed`)
      }
      const token = new provider.ClientCredentials({ client, scope: 'chat' })
      context.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: SECONDS }
    }
  }

  async function grantFor(clientId: string, scope: string): Promise<InstanceType<Provider['Grant']>> {
    const grant = new provider.Grant({ clientId, accountId: 'alice' })
    grant.addOIDCScope(scope)
    grant.addResourceScope(RESOURCE, 'chat')
    await grant.save()
    return grant
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/login') {
      await provider.interactionFinished(request, response, { login: { accountId: 'alice' }, consent: {} })
    } else {
      await provider.callback()(request, response)
    }
  }
  server.on('request', (request, response) => void serve(request, response))

  return {
    issuer,
    provider,
    requests,
    to: (route) => requests.filter((request) => request.route === route),
    login: async (clientId) => {
      const client = await provider.Client.find(clientId)
      if (client === undefined) throw new Error('There is no such client.')
      const scope = 'offline_access'
      const { jti: grantId } = await grantFor(clientId, scope)
      const claims = { client, accountId: 'alice', grantId, gty: 'authorization_code', scope }
      return {
        accessToken: await new provider.AccessToken(claims).save(),
        refreshToken: await new provider.RefreshToken(claims).save(),
      }
    },
    confirm: async (userCode, how) => {
      // The storage holds the code without separators.
      const code = await provider.DeviceCode.findByUserCode(userCode.replaceAll('-', ''))
      if (code === undefined) throw new Error('There is no such code.')
      if (how === 'deny') Object.assign(code, { error: 'access_denied', errorDescription: 'declined' })
      else {
        const scope = 'offline_access'
        const { jti: grantId } = await grantFor(code.clientId ?? '', scope)
        Object.assign(code, { accountId: 'alice', grantId, scope })
      }
      await code.save()
    },
    browse: async (start) => {
      const cookies = new Map<string, string>()
      for (let url = start; ;) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
        const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
        for (const set of response.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
          cookies.set(name, value)
        }
        const location = response.headers.get('location')
        if (location === null) return response
        await response.body?.cancel()
        url = new URL(location, url).href
      }
    },
    isActive: async (accessToken) =>
      (await provider.AccessToken.find(accessToken)) !== undefined ||
      (await provider.ClientCredentials.find(accessToken)) !== undefined,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
