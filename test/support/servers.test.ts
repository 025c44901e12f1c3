import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'
import * as oauth from 'oauth4webapi'
import { afterEach, describe, expect, test } from 'vitest'
import { startAuthorizationServer } from './authorization-server.ts'
import type { AuthorizationServer, AuthorizationServerOptions } from './authorization-server.ts'
import { startLlmServer } from './llm-server.ts'
import type { LlmServer } from './llm-server.ts'

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function authorizationServer(options?: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const server = await startAuthorizationServer(options)
  running.push(server)
  return server
}

async function llmServer(good = 'good'): Promise<LlmServer> {
  const server = await startLlmServer({ accepts: (credential) => credential === good })
  running.push(server)
  return server
}

async function redeem(
  server: AuthorizationServer,
  refreshToken: string,
  authentication: oauth.ClientAuth = oauth.ClientSecretBasic(server.client.secret),
): Promise<{ accessToken: string; refreshToken: string; expiresIn: number | undefined }> {
  const issuer = { issuer: server.issuer, token_endpoint: server.tokenEndpoint }
  const client = { client_id: server.client.id }
  const response = await oauth.refreshTokenGrantRequest(issuer, client, authentication, refreshToken, {
    [oauth.allowInsecureRequests]: true,
  })
  const token = await oauth.processRefreshTokenResponse(issuer, client, response)
  if (token.refresh_token === undefined) throw new Error('no refresh token')
  return {
    accessToken: token.access_token,
    refreshToken: token.refresh_token,
    expiresIn: token.expires_in,
  }
}

describe('the authorization server', () => {
  test('rotates: each redemption gives a new pair, and the one before stays good until it ends', async () => {
    const server = await authorizationServer({ accessTokenSeconds: 3 })
    const login = await server.login()
    const second = await redeem(server, login.refreshToken)
    const third = await redeem(server, second.refreshToken)

    expect(second.expiresIn).toBe(3)
    expect(new Set([login.refreshToken, second.refreshToken, third.refreshToken]).size).toBe(3)
    for (const { accessToken } of [login, second, third]) {
      expect(await server.isActive(accessToken)).toBe(true)
    }
    expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([2, 0, false])
    expect(login.issuedAt()).toHaveLength(3)
  })

  test('the reuse of a refresh token revokes its whole family, and no other', async () => {
    const server = await authorizationServer()
    const [login, other] = [await server.login(), await server.login()]
    const second = await redeem(server, login.refreshToken)

    await expect(redeem(server, login.refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' })
    await expect(redeem(server, second.refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(await server.isActive(second.accessToken)).toBe(false)
    expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([1, 2, true])
    expect([server.redemptions(), server.refused(), server.tokenRequests()]).toEqual([1, 2, 3])

    await redeem(server, other.refreshToken)
    expect([other.redemptions(), other.revoked()]).toEqual([1, false])
  })

  test('of callers that redeem one refresh token at once, none keeps a login', async () => {
    const server = await authorizationServer()
    const login = await server.login()
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => redeem(server, login.refreshToken)),
    )
    const tokens = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value)

    expect(login.revoked()).toBe(true)
    for (const { refreshToken } of tokens) {
      await expect(redeem(server, refreshToken)).rejects.toMatchObject({ error: 'invalid_grant' })
    }
  })

  test('access tokens end when told to, refresh tokens stay', async () => {
    const server = await authorizationServer()
    const login = await server.login()
    server.expireAccessTokens()
    expect(await server.isActive(login.accessToken)).toBe(false)
    const second = await redeem(server, login.refreshToken)
    expect(await server.isActive(second.accessToken)).toBe(true)
    expect(await server.isActive('never issued')).toBe(false)
  })

  test('takes client_secret_post, and a gate in front of the token endpoint may fail', async () => {
    const gate = [
      (): void => {},
      (): never => {
        throw new Error('down')
      },
    ]
    const server = await authorizationServer({
      clientAuthentication: 'client_secret_post',
      beforeToken: () => gate.shift()?.(),
    })
    const authentication = oauth.ClientSecretPost(server.client.secret)
    const second = await redeem(server, (await server.login()).refreshToken, authentication)
    await expect(redeem(server, second.refreshToken, authentication)).rejects.toMatchObject({
      cause: { status: 503 },
    })
    await redeem(server, second.refreshToken, authentication)
    expect([server.tokenRequests(), server.redemptions()]).toEqual([3, 2])
  })
})

/** The real clients, each sending a bearer token in its own way. */
const CLIENTS: Record<string, (server: LlmServer, token: string) => LanguageModelV4> = {
  'anthropic messages': ({ baseUrl }, authToken) =>
    createAnthropic({ baseURL: baseUrl.anthropic, authToken })('claude-sonnet-4-5'),
  'openai chat': ({ baseUrl }, apiKey) => createOpenAI({ baseURL: baseUrl.openai, apiKey }).chat('gpt-5'),
  'openai responses': ({ baseUrl }, apiKey) =>
    createOpenAI({ baseURL: baseUrl.openai, apiKey }).responses('gpt-5'),
  'openai-compatible': ({ baseUrl }, apiKey) =>
    createOpenAICompatible({ name: 'other', baseURL: baseUrl.openai, apiKey })('other-1'),
  google: ({ baseUrl }, token) =>
    createGoogle({
      baseURL: baseUrl.google,
      apiKey: 'unused',
      headers: { Authorization: `Bearer ${token}` },
    })('gemini-2.5-flash'),
  vertex: ({ url }, token) =>
    createGoogle({
      baseURL: `${url}/v1/projects/p/locations/global/publishers/google`,
      apiKey: 'unused',
      headers: { Authorization: `Bearer ${token}` },
    })('gemini-2.5-flash'),
}

const PROMPT: LanguageModelV4CallOptions = {
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hello?' }] }],
}

async function streamed(model: LanguageModelV4): Promise<string> {
  let text = ''
  const { stream } = await model.doStream(PROMPT)
  for await (const part of stream) if (part.type === 'text-delta') text += part.delta
  return text
}

describe('the LLM server', () => {
  test.each(Object.entries(CLIENTS))(
    '%s: answers a good token, unary and streaming',
    async (_name, client) => {
      const server = await llmServer()
      server.answer('First one thing, then another.', { chunkSize: 5 })
      const model = client(server, 'good')
      const { content } = await model.doGenerate(PROMPT)
      expect(content).toEqual([
        expect.objectContaining({ type: 'text', text: 'First one thing, then another.' }),
      ])
      expect(await streamed(model)).toBe('First one thing, then another.')
      expect([server.requests(), server.rejections()]).toEqual([2, 0])
    },
  )

  test.each(Object.entries(CLIENTS))('%s: a bad token gets the 401 of that vendor', async (_name, client) => {
    const server = await llmServer()
    const model = client(server, 'bad')
    for (const call of [() => model.doGenerate(PROMPT), () => model.doStream(PROMPT)]) {
      await expect(call()).rejects.toMatchObject({ statusCode: 401, isRetryable: false })
    }
    expect([server.requests(), server.rejections()]).toEqual([2, 2])
  })

  test('the refusals are each vendor’s own, down to the headers', async () => {
    const { url } = await llmServer()
    async function ask(path: string, headers: Record<string, string>): Promise<unknown[]> {
      const response = await fetch(url + path, { method: 'POST', headers, body: '{}' })
      const body: unknown = await response.json()
      return [response.status, response.headers.get('www-authenticate'), body]
    }
    const bad = { authorization: 'Bearer bad' }

    expect(await ask('/v1/messages', bad)).toEqual([
      401,
      null,
      {
        type: 'error',
        error: {
          type: 'authentication_error',
          message: 'OAuth token has expired. Please obtain a new token or refresh your existing token.',
        },
        request_id: expect.stringMatching(/^req_/),
      },
    ])
    expect(await ask('/v1/messages', { 'x-api-key': 'bad' })).toMatchObject([
      401,
      null,
      { error: { type: 'authentication_error', message: 'invalid x-api-key' } },
    ])
    expect(await ask('/v1/chat/completions', bad)).toMatchObject([
      401,
      'Bearer realm="OpenAI API"',
      { error: { type: 'invalid_request_error', param: null, code: 'invalid_api_key' } },
    ])
    expect(await ask('/v1beta/models/gemini-2.5-flash:generateContent', bad)).toMatchObject([
      401,
      'Bearer realm="https://accounts.google.com/", error="invalid_token"',
      { error: { code: 401, status: 'UNAUTHENTICATED', details: [{ reason: 'ACCESS_TOKEN_EXPIRED' }] } },
    ])
    expect(
      await ask('/v1beta/models/gemini-2.5-flash:generateContent', { 'x-goog-api-key': 'bad' }),
    ).toMatchObject([
      400,
      null,
      { error: { code: 400, status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } },
    ])
  })

  test('takes API keys where the vendors do', async () => {
    const server = await llmServer('key')
    const models = [
      createAnthropic({ baseURL: server.baseUrl.anthropic, apiKey: 'key' })('claude-sonnet-4-5'),
      createGoogle({ baseURL: server.baseUrl.google, apiKey: 'key' })('gemini-2.5-flash'),
    ]
    for (const model of models) expect(await streamed(model)).toBe('Hello from the model.')
    expect(server.rejections()).toBe(0)
  })

  test('a reader that leaves mid-stream is noticed, and an open stream does not keep the server from closing', async () => {
    const server = await llmServer()
    server.answer('word '.repeat(50), { chunkSize: 5, streamingProfile: { ttft: 0, tps: 20 } })
    const model = createOpenAI({ baseURL: server.baseUrl.openai, apiKey: 'good' }).chat('gpt-5')
    const leaving = new AbortController()
    const { stream } = await model.doStream({ ...PROMPT, abortSignal: leaving.signal })
    const reader = stream.getReader()
    await reader.read()
    leaving.abort()
    await expect.poll(() => server.disconnects()).toBe(1)

    const { stream: open } = await model.doStream(PROMPT)
    await open.getReader().read()
    await running.pop()?.close()
    expect(server.requests('openai')).toBe(2)
  })
})
