import { memoryStore } from '../../src/index.ts'
import { mcpLogin } from '../../src/sources/mcp/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { Situation } from './situation.ts'

const SERVER = 'https://mcp.example.com/mcp'
const ISSUER = 'https://auth.example.com'
const RESOURCE = { resource: SERVER, authorization_servers: [ISSUER] }
const METADATA = {
  issuer: ISSUER,
  token_endpoint: `${ISSUER}/token`,
  authorization_endpoint: `${ISSUER}/authorize`,
  registration_endpoint: `${ISSUER}/register`,
  code_challenge_methods_supported: ['S256'],
}

interface World {
  readonly resource?: unknown
  readonly metadata?: unknown
  readonly registered?: unknown
  readonly token?: Response
  readonly challenge?: string
  readonly options?: object
}

function loginIn({ resource = RESOURCE, metadata = METADATA, registered = {}, token, options }: World) {
  const respond = (given: unknown): Response =>
    given === null
      ? new Response('', { status: 404 })
      : given instanceof Response
        ? given.clone()
        : Response.json(given)
  const fetch: typeof globalThis.fetch = async (input) => {
    const { hostname, pathname } = new URL(new Request(input).url)
    if (hostname === 'mcp.example.com') return respond(resource)
    if (pathname === '/register') return respond(registered)
    if (pathname === '/token') return token ?? Response.json({ access_token: 'a' })
    return respond(metadata)
  }
  return mcpLogin(SERVER, { fetch, clock: new ManualClock(), ...options })
}

const begin = (when: string, world: World): Situation => ({
  when,
  bring: () => loginIn(world).begin({ challenge: world.challenge }),
})

const finish = (when: string, query: string, world: World = {}, binding?: string): Situation => ({
  when,
  bring: async () => {
    const login = loginIn({ ...world, options: { clientId: 'app', ...world.options } })
    const begun = await login.begin()
    const state = new URL(begun.url).searchParams.get('state') ?? ''
    return login.finish(`/callback?${query.replace('STATE', state)}`, { binding: binding ?? begun.binding })
  },
})

/** What happens between the two halves of a login. */
const between = (
  when: string,
  meanwhile: (clock: ManualClock, finishOnce: () => Promise<unknown>) => unknown,
): Situation => ({
  when,
  bring: async () => {
    const clock = new ManualClock()
    const login = loginIn({ options: { clientId: 'app', clock } })
    const { url, binding } = await login.begin()
    const back = `/callback?code=a&state=${new URL(url).searchParams.get('state')}`
    await meanwhile(clock, () => login.finish(back, { binding }).catch(() => undefined))
    return login.finish(back, { binding })
  },
})

/** Logins at MCP servers. */
export const MCP_SITUATIONS: readonly Situation[] = [
  begin('an MCP server publishes no metadata', { resource: null }),
  begin('its metadata are another server’s', { resource: { ...RESOURCE, resource: 'https://a.example' } }),
  begin('its metadata name no resource', { resource: { authorization_servers: [ISSUER] } }),
  begin('its metadata name no authorization server', { resource: { resource: SERVER } }),
  begin('its metadata name two authorization servers', {
    resource: { ...RESOURCE, authorization_servers: [ISSUER, 'https://b.example'] },
  }),
  begin('its metadata name five authorization servers', {
    resource: { ...RESOURCE, authorization_servers: [1, 2, 3, 4, 5].map((n) => `https://${n}.example`) },
  }),
  begin('its metadata lead into a private network', {
    resource: { ...RESOURCE, authorization_servers: ['https://10.0.0.1'] },
  }),
  begin('its authorization server is not among the trusted ones', {
    options: { issuers: ['https://b.example'] },
  }),
  begin('its metadata name an authorization server with a query', {
    resource: { ...RESOURCE, authorization_servers: [`${ISSUER}?a=b`] },
  }),
  begin('its metadata are long, and no JSON', { resource: new Response('a'.repeat(300_000)) }),
  begin('its challenge names metadata with a user', {
    challenge: 'Bearer resource_metadata="https://me@mcp.example.com/meta"',
  }),
  begin('its challenge names metadata on another origin', {
    challenge: 'Bearer resource_metadata="https://evil.example/x"',
  }),
  begin('its challenge names metadata that are no URL', { challenge: 'Bearer resource_metadata="x"' }),
  begin('its challenge names metadata that are not there', {
    resource: null,
    challenge: 'Bearer resource_metadata="https://mcp.example.com/meta"',
  }),
  begin('the authorization server has no metadata', { metadata: null }),
  begin('the authorization server’s metadata name another issuer', {
    metadata: { ...METADATA, issuer: 'https://b.example' },
  }),
  begin('the authorization server’s metadata name the issuer with another slash', {
    metadata: { ...METADATA, issuer: `${METADATA.issuer}/` },
  }),
  begin('the authorization server’s metadata name no token endpoint', {
    metadata: { ...METADATA, token_endpoint: undefined },
  }),
  begin('the token endpoint lies in a private network', {
    metadata: { ...METADATA, token_endpoint: 'https://10.0.0.1/token' },
  }),
  begin('the authorization server has no authorization endpoint', {
    metadata: { ...METADATA, authorization_endpoint: undefined },
  }),
  begin('the authorization server has no PKCE with S256', {
    metadata: { ...METADATA, code_challenge_methods_supported: ['plain'] },
  }),
  begin('the authorization server lets no client register itself', {
    metadata: { ...METADATA, registration_endpoint: undefined },
  }),
  begin('the authorization server takes neither registrations nor URLs of clients', {
    metadata: { ...METADATA, registration_endpoint: undefined },
    options: { clientMetadataUrl: 'https://app.example.com/client.json' },
  }),
  begin('a registration is answered without an id', { registered: {} }),
  begin('a registration is answered with a long secret', {
    registered: { client_id: 'a', client_secret: 'b'.repeat(5_000) },
  }),
  begin('a registration is refused', {
    registered: { error: 'invalid_redirect_uri', error_description: 'Not this one' },
  }),
  finish('a browser comes back without a login under way', 'code=a&state=other'),
  finish('another browser comes back', 'code=a&state=STATE', {}, 'of another browser'),
  between('a browser comes back too late', (clock) => clock.jump(600_001)),
  between('a browser comes back a second time', (_, finishOnce) => finishOnce()),
  finish('the person declined', 'error=access_denied&state=STATE'),
  finish('the person declined, without a code that is known', 'error=No%20way&state=STATE'),
  finish('the server refused the login', 'error=invalid_scope&state=STATE'),
  finish('a browser brings two codes', 'code=a&code=b&state=STATE'),
  finish('a browser brings no code', 'state=STATE'),
  finish('a browser brings another issuer', 'code=a&state=STATE&iss=https://b.example'),
  finish('a browser brings an issuer that repeats the code', 'code=abcdefgh&state=STATE&iss=abcdefgh'),
  finish('a browser brings no issuer, which the metadata promise', 'code=a&state=STATE', {
    metadata: { ...METADATA, authorization_response_iss_parameter_supported: true },
  }),
  finish('a browser brings a signed response', 'response=a&state=STATE'),
  finish('a browser brings no state', 'code=a'),
  finish('the token endpoint is down when the browser comes back', 'code=a&state=STATE', {
    token: new Response('', { status: 503 }),
  }),
  {
    when: 'the authorization server is down when the browser comes back',
    bring: async () => {
      const [store, options] = [memoryStore(), { clientId: 'app' }]
      const { url, binding } = await loginIn({ options: { ...options, store } }).begin()
      const state = new URL(url).searchParams.get('state')
      const metadata = new Response('', { status: 503 })
      return loginIn({ metadata, options: { ...options, store } }).finish(`/callback?code=a&state=${state}`, {
        binding,
      })
    },
  },
  finish('the server has forgotten the client that it registered', 'code=a&state=STATE', {
    registered: { client_id: 'registered' },
    options: { clientId: undefined },
    token: Response.json({ error: 'invalid_client' }, { status: 401 }),
  }),
  finish('the code was redeemed before', 'code=a&state=STATE', {
    token: Response.json({ error: 'invalid_grant' }, { status: 400 }),
  }),
]
