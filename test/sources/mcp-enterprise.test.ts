import { decodeProtectedHeader, exportPKCS8, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { createCredential, refreshingFetch } from '../../src/index.ts'
import { mcp } from '../../src/sources/mcp/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { failure, issue, printed } from './helpers.ts'
import { type Answer, type Place, startPlace, startWorld, type World } from './mcp-world.ts'

const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

function refusal(error: string, description: string): Answer {
  return { status: 400, body: { error, error_description: description } }
}

describe('client credentials with a key (private_key_jwt)', () => {
  test('[A4] given a private key, when tokens are requested, then each request carries a new assertion for the issuer, and the resource', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const { auth, url } = await startWorld()
    const key = await exportPKCS8(privateKey)
    const source = mcp(url, {
      clientId: 'agent',
      privateKey: { key, alg: 'ES256', kid: 'k1' },
      grant: 'client_credentials',
    })
    await issue(source)
    await issue(source)
    const seen = new Set<unknown>()
    for (const { client_assertion: assertion = '', ...rest } of auth.posted('/token')) {
      expect(rest).toEqual({
        grant_type: 'client_credentials',
        resource: url,
        client_id: 'agent',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      })
      const { payload } = await jwtVerify(assertion, publicKey, { issuer: 'agent', audience: auth.origin })
      expect(payload).toMatchObject({ sub: 'agent', aud: auth.origin, exp: expect.any(Number) })
      expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'ES256', kid: 'k1' })
      seen.add(payload.jti)
    }
    expect(seen.size).toBe(2)
  })
})

/** An identity provider that signs ID-JAGs, and an MCP authorization server that trusts it. Both check every parameter. */
async function startEnterprise(): Promise<World & { readonly idp: Place }> {
  const world = await startWorld()
  const { auth, url } = world
  const idp = await startPlace()
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const basic = (id: string): string => `Basic ${Buffer.from(`${id}:canary-s3cret`).toString('base64')}`
  const jags = new Map<string, string>()
  const signed = async (audience: string, resource: string, scope: string, id: string): Promise<string> =>
    new SignJWT({ sub: 'alice', resource, scope, client_id: 'agent' })
      .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt' })
      .setIssuer(idp.origin)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('5m')
      .setJti(id)
      .sign(privateKey)
  // A place responds synchronously, so all assertions are signed in advance, for the one right audience.
  for (const scope of ['', 'read', 'read write']) {
    jags.set(scope, await signed(auth.origin, url, scope, `jag ${scope}`))
  }
  idp.routes.set('/token', ({ body, headers }) => {
    const sent = Object.fromEntries(new URLSearchParams(body.toString()))
    const right = {
      grant_type: TOKEN_EXCHANGE,
      requested_token_type: ID_JAG,
      audience: auth.origin,
      resource: url,
      subject_token: 'canary-id-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    }
    const wrong = Object.entries(right).find(([name, value]) => sent[name] !== value)
    if (wrong !== undefined) return refusal('invalid_request', wrong[0])
    if (headers.authorization !== basic('agent-at-idp')) return refusal('invalid_client', 'who')
    const token = jags.get(sent['scope'] ?? '')
    return { body: { access_token: token, issued_token_type: ID_JAG, token_type: 'N_A', expires_in: 300 } }
  })
  let issued = 0
  auth.routes.set('/token', ({ body, headers }) => {
    const sent = Object.fromEntries(new URLSearchParams(body.toString()))
    if (sent['grant_type'] !== JWT_BEARER) return refusal('unsupported_grant_type', 'grant_type')
    if (headers.authorization !== basic('agent')) return refusal('invalid_client', 'who')
    if (sent['assertion'] !== jags.get(sent['scope'] ?? '')) return refusal('invalid_grant', 'assertion')
    if (sent['resource'] !== url) return refusal('invalid_target', 'resource')
    return { body: { access_token: `e${++issued}`, token_type: 'Bearer', expires_in: 300 } }
  })
  await jwtVerify(jags.get('') ?? '', publicKey, { audience: auth.origin, typ: 'oauth-id-jag+jwt' })
  return { ...world, idp }
}

describe('enterprise-managed authorization (ID-JAG)', () => {
  const employee = (url: string, idp: Place, more: { readonly scope?: string } = {}) =>
    mcp(url, {
      clientId: 'agent',
      clientSecret: 'canary-s3cret',
      ...more,
      grant: {
        type: 'jwt_bearer',
        assertion: ({ issuer, resource, scope }) =>
          oauth({
            tokenEndpoint: `${idp.origin}/token`,
            clientId: 'agent-at-idp',
            clientSecret: 'canary-s3cret',
            audience: issuer,
            resource,
            scope,
            grant: {
              type: 'token_exchange',
              subjectToken: 'canary-id-token',
              subjectTokenType: 'id_token',
              requestedTokenType: 'id-jag',
            },
          }),
      },
    })

  test('[A4] given an identity provider, when a token is needed, then the source requests an assertion for the discovered issuer and resource, and exchanges it at the server', async () => {
    const { idp, auth, url } = await startEnterprise()
    const token = await issue(employee(url, idp))
    expect(token).toMatchObject({
      accessToken: 'e1',
      extra: { mcp: { issuer: auth.origin, client: 'agent' } },
    })
    expect(token.refreshToken).toBeUndefined()
    expect([idp.asked('/token'), auth.asked('/token')]).toEqual([1, 1])
  })

  test('[A4, A7] given a demanded scope, when a token is needed, then the source requests the union of scopes, at the identity provider and at the server', async () => {
    const { api, idp, auth, url } = await startEnterprise()
    const credential = createCredential({ source: employee(url, idp, { scope: 'read' }) })
    api.routes.set('/mcp', ({ headers }) =>
      headers.authorization === 'Bearer e2'
        ? {}
        : {
            status: 403,
            headers: { 'www-authenticate': 'Bearer error="insufficient_scope", scope="write"' },
          },
    )
    const fetch = refreshingFetch(credential, { origins: api.origin })
    expect((await fetch(url, { method: 'POST', body: 'hello' })).status).toBe(200)
    for (const place of [idp, auth]) {
      expect(place.posted('/token').map(({ scope }) => scope)).toEqual(['read', 'read write'])
    }
  })

  test("[A4] given a refused assertion, when a token is requested, then the message names the assertion's origin, and shows no secret", async () => {
    const { idp, auth, url } = await startEnterprise()
    idp.routes.set('/token', {
      body: { access_token: 'canary-of-another', issued_token_type: ID_JAG, token_type: 'N_A' },
    })
    const error = await failure(issue(employee(url, idp)))
    expect(error).toMatchObject({
      code: 'source_refused',
      message: expect.stringContaining(new URL(auth.origin).host),
    })
    expect(printed(error)).not.toContain('canary')
    idp.routes.set('/token', refusal('invalid_grant', 'canary-id-token has expired'))
    const refused = await failure(issue(employee(url, idp)))
    expect(refused.message).toContain(new URL(idp.origin).host)
    expect(printed(refused)).not.toContain('canary')
    expect(auth.asked('/token')).toBe(1)
  })

  test('[A4] given an assertion as a source, a text or a function, when the source is made, then it accepts each of these, and refuses anything else', async () => {
    const { auth, url } = await startWorld()
    const given = [
      'canary-a',
      () => 'canary-a',
      async () => 'canary-a',
      { issue: async () => ({ accessToken: 'canary-a' }) },
    ]
    for (const assertion of given) {
      await issue(mcp(url, { clientId: 'agent', grant: { type: 'jwt_bearer', assertion } }))
    }
    expect(new Set(auth.posted('/token').map(({ assertion }) => assertion))).toEqual(new Set(['canary-a']))
    const none = { type: 'jwt_bearer', assertion: () => '' } as const
    expect(await failure(issue(mcp(url, { clientId: 'agent', grant: none })))).toMatchObject({
      code: 'source_invalid',
      message: expect.stringContaining("'grant.assertion'"),
    })
    const missing = JSON.parse('{ "type": "jwt_bearer" }')
    expect(() => mcp(url, { clientId: 'agent', grant: missing })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    )
  })
})
