import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { factsOf } from '../../src/credential/failure-facts.ts'
import { createCredential, RefreshError } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { failure, issue, serve } from './helpers.ts'

const TOKEN = { access_token: 'fresh', refresh_token: 'rotated', token_type: 'Bearer', expires_in: 3_600 }
const current = { accessToken: 'old', refreshToken: 'first' }

async function endpoint(
  respond: (accepted: string) => readonly [encoding: string, body: string | Uint8Array],
) {
  const server = await serve(({ headers }, response) => {
    const [encoding, body] = respond(String(headers['accept-encoding']))
    const label = encoding === '' ? {} : { 'content-encoding': encoding }
    response.writeHead(200, { 'content-type': 'application/json', ...label }).end(body)
  })
  return { server, source: oauth({ tokenEndpoint: `${server.origin}/token`, clientId: 'app' }) }
}

test('[K13] [K18] given a proxy that labels uncompressed bodies as compressed, when the source asks for no compression, then the token arrives', async () => {
  const { source } = await endpoint((accepted) => [
    /gzip|br|deflate/.test(accepted) ? 'gzip' : '',
    JSON.stringify(TOKEN),
  ])
  expect(await issue(source, { current })).toMatchObject({ accessToken: 'fresh', refreshToken: 'rotated' })
})

test.each([
  ['gzip', gzipSync(JSON.stringify(TOKEN))],
  ['br', brotliCompressSync(JSON.stringify(TOKEN))],
])(
  '[K18] given a server that always compresses with %s, when a token is requested, then it arrives',
  async (encoding, body) => {
    const { source } = await endpoint(() => [encoding, body])
    expect(await issue(source, { current })).toMatchObject({ accessToken: 'fresh' })
  },
)

test.each(['gzip', 'deflate', 'br'])(
  '[K13] [E1] given a success that is labelled %s and is not, when a refresh token is redeemed, then it is sent once, and the message says what to mend',
  async (encoding) => {
    const { server, source } = await endpoint(() => [encoding, JSON.stringify(TOKEN)])
    const credential = createCredential({ source })
    await credential.login(current)
    const held = await credential.snapshot()
    const error = await failure(credential.refresh(held))
    expect(error.code).toBe('source_unavailable')
    expect(error.message).toMatch(/cannot be decoded as its content-encoding says.*mend the server/)
    expect(server.requests).toHaveLength(1)
    expect(factsOf(await failure(issue(source, { current }))).reach).toBe('accepted')
  },
)

const WITHIN: Readonly<Record<string, unknown>> = {
  'a string': JSON.stringify(TOKEN),
  'a member of the response': { statusCode: 200, body: JSON.stringify(TOKEN) },
  'a member, encoded twice': { data: JSON.stringify({ data: TOKEN }) },
}
test.each(Object.entries(WITHIN))(
  '[K18] given JSON inside %s, when the source reads the response, then it gets the token and the new refresh token',
  async (_, body) => {
    const { source } = await endpoint(() => ['', JSON.stringify(body)])
    expect(await issue(source, { current })).toMatchObject({
      accessToken: 'fresh',
      refreshToken: 'rotated',
    })
  },
)

test('[K18] [E1] given a refusal as JSON inside a string, when the source reads it, then the message shows its words, and the login does not end', async () => {
  const said = JSON.stringify({ error: 'invalid_grant', error_description: 'The session is over.' })
  const fetch = async (): Promise<Response> => new Response(JSON.stringify(said), { status: 400 })
  const source = oauth({ tokenEndpoint: 'https://auth.example.com/token', clientId: 'app', fetch })
  const error = await failure(issue(source, { current }))
  expect(error).toBeInstanceOf(RefreshError)
  expect(error).toMatchObject({ code: 'source_refused', terminal: false })
  expect(error.message).toContain('saying "The session is over."')
})
