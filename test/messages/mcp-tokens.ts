import { type AccessToken, createCredential, type MadeFor, memoryStore, type Store } from '../../src/index.ts'
import { mcp, mcpLogin } from '../../src/sources/mcp/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Situation, situations } from './situation.ts'
import { CONTEXT } from './source.ts'

const SERVER = 'https://mcp.example.com/mcp'
const ISSUER = 'https://auth.example.com'

/** An MCP server whose tokens this authorization server issues. */
const fetch: typeof globalThis.fetch = async (input) => {
  const { hostname, pathname } = new URL(new Request(input).url)
  if (hostname === 'mcp.example.com') {
    return Response.json({ resource: SERVER, authorization_servers: [ISSUER] })
  }
  if (pathname === '/token') return Response.json({ error: 'invalid_client' }, { status: 401 })
  if (pathname === '/register') return Response.json({ client_id: 'registered' }, { status: 201 })
  return Response.json({
    issuer: ISSUER,
    token_endpoint: `${ISSUER}/token`,
    authorization_endpoint: `${ISSUER}/authorize`,
    registration_endpoint: `${ISSUER}/register`,
    code_challenge_methods_supported: ['S256'],
  })
}

const issue = (
  current: AccessToken | undefined,
  options: object = {},
  madeFor?: MadeFor,
): Promise<AccessToken> =>
  mcp(SERVER, { fetch, clock: new ManualClock(), ...options }).issue({ ...CONTEXT, current, madeFor })

const handOver = (token: AccessToken, options: object = {}): Promise<void> =>
  createCredential({ source: mcp(SERVER, { fetch, ...options }) }).login(token)

/** A login as the source stores it. */
const login = (issuer: string, client: string): AccessToken => ({
  accessToken: 'a',
  refreshToken: 'b',
  extra: { mcp: { issuer, client } },
})

/** What is begun over a store that reads so. */
const over = (read: Store['read']): Promise<unknown> => {
  const replace: Store['replace'] = async (key, change) => ({ ...change(await read(key)), revision: 1 })
  return mcpLogin(SERVER, {
    fetch,
    clientId: 'app',
    store: Object.assign(memoryStore(), { read, replace }),
  }).begin()
}

/** Tokens for MCP servers. */
export const MCP_TOKEN_SITUATIONS: readonly Situation[] = situations({
  'an MCP server has moved to another authorization server': () => issue(login('https://b.example', 'app')),
  'an MCP server’s login was made with another client': () =>
    issue(login(ISSUER, 'other'), { clientId: 'app' }),
  'an MCP server’s login was imported with a client that this program does not name': () =>
    issue({ accessToken: 'a', refreshToken: 'b' }, {}, { client: 'imported' }),
  'an MCP server’s login was imported with a client that this program does not name, and another is registered':
    async () => {
      const store = memoryStore()
      await mcpLogin(SERVER, { fetch, store }).begin()
      return issue({ accessToken: 'a', refreshToken: 'b' }, { store }, { client: 'imported' })
    },
  'an MCP server’s login is handed over, and mcp() has another client': () =>
    handOver(login(ISSUER, 'registered'), { clientId: 'app' }),
  'an MCP server’s login is handed over, and mcp() does not have its client’s secret': () =>
    handOver({ ...login(ISSUER, 'app'), extra: { mcp: { issuer: ISSUER, client: 'app', proves: true } } }),
  'an MCP server’s authorization server has forgotten the client': () => issue(login(ISSUER, 'app')),
  'an MCP server’s refresh token is known, and no client': () =>
    issue({ accessToken: 'a', refreshToken: 'b' }),
  'a client of its own meets another authorization server': () =>
    issue(login('https://b.example', 'app'), {
      grant: 'client_credentials',
      clientId: 'app',
      clientSecret: 'secret',
    }),
  'a store of MCP logins fails': () =>
    over(async () => {
      throw new Error('x')
    }),
  'a store of MCP logins holds a token in their place': () =>
    over(async () => ({ revision: 1, token: { accessToken: 'a' } })),
  'a store of MCP logins is sealed': () =>
    over(async () => ({ revision: 1, token: { accessToken: 'a', tokenType: 'llm-refresh/sealed' } })),
})
