import type { ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { mcp, mcpLogin, type McpOptions } from '../../src/sources/mcp/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { failure, issue } from './helpers.ts'
import {
  metadataOf,
  PATH_METADATA,
  ROOT_METADATA,
  SERVER_METADATA,
  startPlace,
  startWorld,
} from './mcp-world.ts'

const CLIENT = { clientId: 'app' }
const seeded: McpOptions = { ...CLIENT, grant: { type: 'refresh_token', refreshToken: 'canary-r1' } }
const MIB = 1_048_576

/** A server whose responses the test writes itself. */
async function startRaw(answer: (response: ServerResponse) => void) {
  const server = await startRecordingServer((_, response) => answer(response))
  onTestFinished(() => server.close())
  return { ...server, url: `${server.origin}/mcp` }
}

/** Writes a valid document of 50 MB, no faster than the client reads it. */
function writeLong(response: ServerResponse, sent: { size: number }): void {
  const piece = `"${'x'.repeat(65_534)}",`
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{ "padding": [')
  const more = (): void => {
    while (sent.size < 50 * MIB) {
      sent.size += piece.length
      if (!response.write(piece)) return void response.once('drain', more)
    }
    response.end('""] }')
  }
  more()
}

describe('metadata that never end', () => {
  test('[A2] given metadata of 50 MB, when the source reads them, then it stops early, with one clear error', async () => {
    const sent = { size: 0 }
    const { url, requests } = await startRaw((response) => writeLong(response, sent))
    const error = await failure(issue(mcp(url, seeded)))
    expect(error).toMatchObject({ code: 'source_invalid', message: expect.stringContaining('too long') })
    expect(error.message).toContain(PATH_METADATA)
    expect(requests.length).toBe(1)
    expect(sent.size).toBeLessThan(25 * MIB)
  })

  test("[A2] given an authorization server's metadata of 50 MB, when the source reads them, then it throws one clear error", async () => {
    const sent = { size: 0 }
    const { origin } = await startRaw((response) => writeLong(response, sent))
    const error = await failure(issue(mcp('https://mcp.example.com', { ...seeded, issuer: origin })))
    expect(error).toMatchObject({ code: 'source_invalid', message: expect.stringContaining('too long') })
  })

  test('[A2] given metadata that arrive byte by byte, when the timeout is over, then the source stops reading', async () => {
    const { url, requests } = await startRaw((response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{')
    })
    const clock = new ManualClock()
    const failed = failure(issue(mcp(url, { ...seeded, clock, timeout: 5_000 })))
    await vi.waitFor(() => expect(requests.length).toBe(1), 120_000)
    await vi.waitFor(async () => {
      await clock.advance(5_000)
      expect(clock.armed).toBe(0)
    }, 120_000)
    expect(await failed).toMatchObject({
      code: 'source_unreachable',
      message: expect.stringContaining('within 5000 ms'),
    })
    expect(requests.length).toBe(1)
  })
})

describe('metadata that name forbidden URLs', () => {
  const places = [
    ['another host', 'https://evil.example/'],
    ['http', 'http://mcp.example.com/'],
    ['a private address', 'https://169.254.169.254/latest'],
    ['another scheme', 'file:///etc/passwd'],
  ] as const

  test.each(places)(
    '[A2] given an MCP server whose 401 names its metadata at %s, when the source reads it, then it refuses, and requests nothing else',
    async (_, place) => {
      const { api, auth, url } = await startWorld()
      api.routes.clear()
      api.routes.set('/mcp', {
        status: 401,
        headers: { 'www-authenticate': `Bearer resource_metadata="${place}"` },
      })
      const asked: string[] = []
      const listening: typeof fetch = (input, init) => {
        asked.push(new URL(new Request(input).url).origin)
        return fetch(input, init)
      }
      const login = mcpLogin(url, { ...CLIENT, fetch: listening })
      const source = mcp(url, { ...seeded, fetch: listening })
      for (const ask of [() => issue(source), () => login.begin()]) {
        expect(await failure(ask())).toMatchObject({ code: 'source_refused', terminal: false })
      }
      expect(new Set(asked)).toEqual(new Set([api.origin]))
      expect(auth.server.requests).toEqual([])
    },
  )

  test.each([
    ['the MCP server', ROOT_METADATA],
    ['the authorization server', SERVER_METADATA],
  ])(
    '[A2] given metadata of %s behind a redirect, when the source requests them, then it does not follow the redirect',
    async (_, path) => {
      const { api, auth, url } = await startWorld()
      const target = await startPlace()
      const place = path === SERVER_METADATA ? auth : api
      if (place === api) api.routes.delete(PATH_METADATA)
      place.routes.set(path, { status: 307, headers: { location: `${target.origin}/x` } })
      place.routes.set('/.well-known/openid-configuration', { status: 404 })
      expect(await failure(issue(mcp(url, seeded)))).toMatchObject({
        code: 'source_refused',
        message: expect.stringContaining('redirects'),
      })
      expect([target.server.requests, auth.asked('/token')]).toEqual([[], 0])
    },
  )

  test.each([
    ['none', []],
    ['ten', Array.from({ length: 10 }, (_, n) => `https://a${n}.example`)],
  ])(
    '[A2] given metadata with %s authorization servers, when a login begins, then its error says so',
    async (_, issuers) => {
      const { api, url } = await startWorld()
      api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: issuers } })
      expect(await failure(mcpLogin(url, CLIENT).begin())).toMatchObject({
        code: 'source_invalid',
        message: expect.stringMatching(/no authorization server|10 authorization servers/),
      })
    },
  )
})

describe('before a login begins', () => {
  test.each([
    ['none', {}],
    ['others', { code_challenge_methods_supported: ['plain'] }],
    ['a text', { code_challenge_methods_supported: 'S256' }],
  ])(
    '[A12] given metadata that list %s of the PKCE methods, when a login begins, then it throws, and sends no browser there',
    async (_, more) => {
      const { auth, url } = await startWorld()
      const { code_challenge_methods_supported: _listed, ...rest } = Object(metadataOf(auth.origin))
      auth.routes.set(SERVER_METADATA, { body: { ...rest, ...more } })
      expect(await failure(mcpLogin(url, CLIENT).begin())).toMatchObject({
        code: 'source_refused',
        message: expect.stringContaining('code_challenge_methods_supported'),
      })
    },
  )

  test.each([
    ['nothing', undefined, true],
    ['S256', ['S256'], true],
    ['others', ['plain'], false],
  ])(
    '[A12] given `pkce: unlisted` and metadata that list %s of the PKCE methods, when a login begins, then it uses S256, unless only others are listed',
    async (_, methods, begins) => {
      const { auth, url } = await startWorld()
      const metadata = { ...metadataOf(auth.origin), code_challenge_methods_supported: methods }
      auth.routes.set(SERVER_METADATA, { body: metadata })
      const begun = mcpLogin(url, { ...CLIENT, pkce: 'unlisted' }).begin()
      if (begins) expect((await begun).url).toContain('code_challenge_method=S256')
      else expect(await failure(begun)).toMatchObject({ code: 'source_refused' })
    },
  )

  test('[A12] given an invalid `pkce`, when mcpLogin() is called, then it throws', () => {
    expect(() => mcpLogin('https://a.example/mcp', { ...CLIENT, pkce: 'none' as never })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    )
  })

  test('[A12] given an authorization server that has moved within the hour, when the next login begins, then it uses the new server, with a new client', async () => {
    const { api, auth, url } = await startWorld()
    const other = await startPlace()
    for (const [at, { origin, routes }] of [auth, other].entries()) {
      const registration_endpoint = `${origin}/register`
      routes.set(SERVER_METADATA, { body: metadataOf(origin, { registration_endpoint }) })
      routes.set('/register', { status: 201, body: { client_id: `c${at}` } })
    }
    const login = mcpLogin(url)
    const clientAt = async (): Promise<string[]> => {
      const begun = new URL((await login.begin()).url)
      return [begun.origin, begun.searchParams.get('client_id') ?? '']
    }
    expect(await clientAt()).toEqual([auth.origin, 'c0'])
    api.routes.set(PATH_METADATA, { body: { resource: url, authorization_servers: [other.origin] } })
    expect(await clientAt()).toEqual([other.origin, 'c1'])
  })
})
