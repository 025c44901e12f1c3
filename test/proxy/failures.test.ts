import { expect, test } from 'vitest'
import { Refreshable, RefreshError } from '../../src/index.ts'
import type { ProxyPreset } from '../../src/proxy/index.ts'
import { bearer } from '../support/recording-server.ts'
import { broken, tokens } from '../surfaces/fetch/cells.ts'
import { ask, errorIn, serve, startProxy } from './proxies.ts'

/** A cell whose login has ended. */
function ended(initial?: string): { cell: Refreshable<string>; refreshes: () => number } {
  let count = 0
  const refresh = async (): Promise<string> => {
    count++
    throw new RefreshError('reauthentication_required', 'The session was revoked.')
  }
  return { cell: new Refreshable({ initial, refresh }), refreshes: () => count }
}

const remedy = 'Run `llm-refresh login work`.'
const SHAPES: [preset: ProxyPreset | undefined, error: object][] = [
  ['anthropic', { type: 'error', error: { type: 'authentication_error' } }],
  ['openai', { error: { type: 'invalid_request_error', code: 'invalid_api_key' } }],
  ['google', { error: { code: 401, status: 'UNAUTHENTICATED' } }],
  ['azure', { error: { code: 'Unauthorized' } }],
  [undefined, { error: { type: 'authentication_error', status: 'UNAUTHENTICATED' } }],
]
test.each(SHAPES)(
  '[X3, X7] given an ended login and the preset %s, when requests are made, then every response names the remedy, in the vendor’s shape, and nothing more is sent',
  async (preset, error) => {
    const server = await serve(bearer(() => false))
    const { cell, refreshes } = ended('t0')
    const { url, audited } = await startProxy({
      api: { to: server.origin, credential: cell, preset, remedy },
    })
    for (let n = 0; n < 3; n++) {
      const { status, text, headers } = await ask(`${url}/api/x`, { method: 'POST', body: '{}' })
      expect([status, headers['x-should-retry'], headers['x-llm-refresh']]).toEqual([
        401,
        'false',
        'reauthentication_required',
      ])
      expect(JSON.parse(text)).toMatchObject(error)
      expect(errorIn(text).message).toContain(remedy)
    }
    expect([server.requests.length, refreshes()]).toEqual([1, 1])
    expect(await audited(3)).toMatchObject([{ refused: 'login' }, { refused: 'login' }, { refused: 'login' }])
  },
)

test('[X3] given no credential for now, when a request is made, then the response is 503, and its client may try again', async () => {
  const server = await serve((_, response) => response.end('ok'))
  const { url } = await startProxy({
    api: { to: server.origin, credential: broken().cell, preset: 'openai' },
  })
  const { status, text, headers } = await ask(`${url}/api/x`)
  expect([status, headers['retry-after'], headers['x-should-retry'], headers['x-llm-refresh']]).toEqual([
    503,
    '1',
    undefined,
    'refresh_failed',
  ])
  expect(JSON.parse(text)).toMatchObject({ error: { type: 'server_error', code: 'refresh_failed' } })
  expect(server.requests).toEqual([])
})

test('[X3] given a rejection, and no fresh credential for now, when a request is made, then the client gets the upstream’s 401', async () => {
  const server = await serve(bearer(() => false))
  const { url } = await startProxy({ api: { to: server.origin, credential: broken('t0').cell } })
  expect(await ask(`${url}/api/x`)).toMatchObject({ status: 401, text: '{"error":{"message":"expired"}}' })
})

test('[Z1] given an error whose cause holds a token, when the proxy reports it, then the report lacks the token', async () => {
  const refresh = async (): Promise<string> => {
    throw new Error('secret-token-1 was refused')
  }
  const { url, audit } = await startProxy({
    api: { to: 'https://api.example.com', credential: new Refreshable({ refresh }) },
  })
  const { text, rawHeaders } = await ask(`${url}/api/x?token=secret-token-2`)
  expect(JSON.stringify([text, rawHeaders, audit])).not.toContain('secret')
})

test('[X7] given an MCP route and a stale token, when the server challenges, then the source reads the challenge, and the client sees its result alone', async () => {
  const challenge =
    'Bearer error="invalid_token", resource_metadata="https://mcp.example/.well-known/oauth-protected-resource"'
  const server = await serve(({ headers }, response) => {
    if (headers.authorization === 'Bearer t1') response.end('{"jsonrpc":"2.0","id":7,"result":{}}')
    else response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  const challenges: unknown[] = []
  const credential = new Refreshable({
    initial: 't0',
    refresh: async ({ challenge: read }) => {
      challenges.push(read)
      return 't1'
    },
  })
  const { url } = await startProxy({ mcp: { to: `${server.origin}/mcp`, credential, preset: 'mcp' } })
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/list' })
  const got = await ask(`${url}/mcp`, { method: 'POST', body })
  expect([got.status, got.headers['www-authenticate'], challenges]).toEqual([200, undefined, [challenge]])
  expect(server.requests.map(({ path }) => path)).toEqual(['/mcp', '/mcp'])
})

test('[X7] given an MCP route, when its login has ended, or its server refuses every token, then the client gets 503 and a JSON-RPC error, never a challenge', async () => {
  const server = await serve((_, response) => response.writeHead(401, { 'www-authenticate': 'Bearer' }).end())
  const { url } = await startProxy({
    dead: { to: server.origin, credential: ended('t0').cell, preset: 'mcp', remedy },
    none: { to: server.origin, credential: ended().cell, preset: 'mcp', remedy },
    refusing: { to: server.origin, credential: tokens().cell, preset: 'mcp' },
  })
  const body = JSON.stringify({ jsonrpc: '2.0', id: 'a', method: 'tools/list' })
  for (const route of ['dead', 'dead', 'none', 'refusing']) {
    const got = await ask(`${url}/${route}/`, { method: 'POST', body })
    expect([got.status, got.headers['www-authenticate']]).toEqual([503, undefined])
    expect(JSON.parse(got.text)).toMatchObject({ jsonrpc: '2.0', id: 'a', error: { code: -32_001 } })
    if (route !== 'refusing') expect(got.text).toContain('llm-refresh login work')
  }
  const scope = await serve((_, response) =>
    response.writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }).end(),
  )
  const { url: other } = await startProxy({
    mcp: { to: scope.origin, credential: tokens().cell, preset: 'mcp' },
  })
  const got = await ask(`${other}/mcp/`, { method: 'POST', body })
  expect([got.status, got.headers['www-authenticate']]).toEqual([403, undefined])
})

test('[X7] given an MCP client that looks for an authorization server, when it asks, with a key or without, then there is none', async () => {
  const server = await serve((_, response) => response.end('{}'))
  const { url } = await startProxy({ mcp: { to: server.origin, credential: tokens().cell, preset: 'mcp' } })
  for (const key of [null, undefined]) {
    for (const path of [
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-authorization-server/mcp/a',
      '/.well-known/openid-configuration',
      '/mcp/.well-known/oauth-protected-resource',
      '/mcp/a/.well-known/openid-configuration',
    ]) {
      const got = await ask(url + path, key === null ? { key } : {})
      expect([path, got.status, got.headers['www-authenticate']]).toEqual([path, 404, undefined])
    }
  }
  // A wrong key is no reason for an OAuth login either.
  expect((await ask(`${url}/mcp/`, { key: 'wrong' })).status).toBe(403)
  expect(server.requests).toEqual([])
})
