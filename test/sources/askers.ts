import type { AccessToken, Source } from '../../src/index.ts'
import { mcp, mcpLogin } from '../../src/sources/mcp/index.ts'
import { deviceLogin, oauth } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import type { ManualClock } from '../support/manual-clock.ts'
import { issue } from './helpers.ts'
import type { ServerResponse } from './servers.ts'

export const CANARY = 'canary-7d1f'
const ISSUER = 'https://auth.example.com'
const MCP_SERVER = 'https://mcp.example.com/mcp'
const client = { clientId: 'client', clientSecret: `${CANARY}-secret` }
const at = { ...client, tokenEndpoint: `${ISSUER}/token` }
/** The login that a source with a refresh token starts with. */
export const CURRENT = { accessToken: `${CANARY}-old`, refreshToken: `${CANARY}-rt` }

export type Fetch = typeof globalThis.fetch

/** A source or a login that sends requests to a token endpoint. */
export interface Asker {
  readonly name: string
  /** A person logs in for it, so it redeems a refresh token or a code. */
  readonly person: boolean
  /** It polls until it gets a token, or until its code has expired. */
  readonly isPoll?: boolean
  /** undefined for a login. */
  readonly source?: (fetch: Fetch, clock: ManualClock) => Source
  readonly ask: (fetch: Fetch, clock: ManualClock) => Promise<AccessToken>
}

function asking(name: string, person: boolean, source: (fetch: Fetch, clock: ManualClock) => Source): Asker {
  const current = person ? CURRENT : undefined
  return { name, person, source, ask: (fetch, clock) => issue(source(fetch, clock), { current }) }
}

/** All sources and logins that send requests to a token endpoint. */
export const ASKERS: readonly Asker[] = [
  asking('refresh token', true, (fetch, clock) => oauth({ ...at, fetch, clock })),
  asking('client credentials', false, (fetch, clock) =>
    oauth({ ...at, fetch, clock, grant: 'client_credentials' }),
  ),
  asking('exchange', false, (fetch, clock) =>
    oauth({
      ...at,
      fetch,
      clock,
      grant: { type: 'token_exchange', subjectToken: () => `${CANARY}-subject` },
    }),
  ),
  asking('workload', false, (fetch, clock) =>
    workload({
      for: { tokenEndpoint: at.tokenEndpoint, clientId: 'client' },
      subjectToken: () => `${CANARY}-subject`,
      fetch,
      clock,
    }),
  ),
  asking('MCP server', true, (fetch, clock) => mcp(MCP_SERVER, { ...client, fetch, clock })),
  asking('MCP server, client credentials', false, (fetch, clock) =>
    mcp(MCP_SERVER, { ...client, fetch, clock, grant: 'client_credentials' }),
  ),
  {
    name: 'MCP login',
    person: true,
    ask: async (fetch, clock) => {
      const login = mcpLogin(MCP_SERVER, { ...client, fetch, clock })
      const { url, binding } = await login.begin()
      const state = new URL(url).searchParams.get('state') ?? ''
      return login.finish(`/callback?code=${CANARY}-code&state=${state}`, { binding })
    },
  },
  {
    name: 'device',
    person: true,
    isPoll: true,
    ask: (fetch, clock) =>
      deviceLogin({
        ...at,
        fetch,
        clock,
        deviceAuthorizationEndpoint: `${ISSUER}/device`,
        onPrompt: () => undefined,
      }),
  },
]

/** The responses of all other endpoints. */
const OTHERS: Readonly<Record<string, unknown>> = {
  '/device': {
    device_code: `${CANARY}-device`,
    user_code: 'ABCD',
    verification_uri: `${ISSUER}/activate`,
    expires_in: 600,
  },
  '/.well-known/oauth-protected-resource/mcp': { resource: MCP_SERVER, authorization_servers: [ISSUER] },
  '/.well-known/oauth-authorization-server': {
    issuer: ISSUER,
    token_endpoint: `${ISSUER}/token`,
    authorization_endpoint: `${ISSUER}/authorize`,
    code_challenge_methods_supported: ['S256'],
  },
}

/** A fetch in which `respond` makes the token endpoint's responses. */
export function responding(
  respond: () => ServerResponse,
  clock: ManualClock,
): { fetch: Fetch; asked: () => number } {
  let asked = 0
  const fetch: Fetch = async (input, init) => {
    const { pathname } = new URL(new Request(input).url)
    if (pathname in OTHERS) return Response.json(OTHERS[pathname])
    asked++
    const { status, body, type = 'application/json', headers = {}, after = 0 } = respond()
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    if (after > 0) {
      await new Promise<void>((resolve, reject) => {
        clock.setTimeout(resolve, after)
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    }
    // For a string, `Response` would add a content type. For bytes it does not.
    const bytes = new TextEncoder().encode(text)
    return new Response(bytes, {
      status,
      headers: { ...(type !== '' && { 'content-type': type }), ...headers },
    })
  }
  return { fetch, asked: () => asked }
}
