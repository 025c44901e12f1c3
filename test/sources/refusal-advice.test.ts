import { expect, test } from 'vitest'
import { oauth, type OAuthOptions } from '../../src/sources/oauth/index.ts'
import { failure, issue, serve } from './helpers.ts'

const current = { accessToken: 'old', refreshToken: 'rt-1' }

async function refused(status: number, type: string, text: string, more: Partial<OAuthOptions> = {}) {
  const server = await serve((_, response) => response.writeHead(status, { 'content-type': type }).end(text))
  return failure(
    issue(oauth({ tokenEndpoint: `${server.origin}/token`, clientId: 'app', ...more }), { current }),
  )
}

test.each([
  ['as a bare text', 'text/plain', 'invalid_grant'],
  ['as form fields', 'application/x-www-form-urlencoded', 'error=invalid_grant'],
])(
  '[K18] [E1] given invalid_grant %s, when a refresh token is refused, then the login does not end, and the message says what to do if that does not pass',
  async (_, type, text) => {
    const error = await refused(400, type, text)
    expect([error.code, error.terminal]).toEqual(['source_refused', false])
    expect(error.message).toContain('the refresh token has ended: log in again.')
  },
)

test('[E1] given a server that does not decode HTTP Basic, when it does not know the client, then the message names the other method, and that method works', async () => {
  const [clientId, clientSecret] = ['sb-1!b2|service!b3', 's+3/cret$=']
  const server = await serve(({ headers, body }, response) => {
    const basic = Buffer.from(headers.authorization?.split(' ')[1] ?? '', 'base64').toString()
    const form = new URLSearchParams(String(body))
    const isKnown = basic === `${clientId}:${clientSecret}` || form.get('client_secret') === clientSecret
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(isKnown ? { access_token: 'new', token_type: 'Bearer' } : { error: 'invalid_client' }),
    )
  })
  const options = {
    tokenEndpoint: `${server.origin}/token`,
    clientId,
    clientSecret,
    grant: 'client_credentials',
  } as const
  const error = await failure(issue(oauth(options)))
  expect(error.message).toContain("Some servers accept them with clientAuth 'client_secret_post' only.")
  expect(await issue(oauth({ ...options, clientAuth: 'client_secret_post' }))).toMatchObject({
    accessToken: 'new',
  })
})
