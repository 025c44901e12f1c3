import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider'
import { expect, onTestFinished, test } from 'vitest'
import { createCredential, refreshingFetch } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { startTestServers, type TestServers, type TestServersOptions } from '../../src/testing/index.ts'
import { fileOfSource, program } from '../support/bundle.ts'
import { ManualClock } from '../support/manual-clock.ts'

async function started(options?: TestServersOptions): Promise<TestServers> {
  const servers = await startTestServers(options)
  onTestFinished(() => servers.close())
  return servers
}

const prompt: LanguageModelV4CallOptions = {
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
}

async function generated(model: LanguageModelV4): Promise<string> {
  const { content } = await model.doGenerate(prompt)
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

async function streamed(model: LanguageModelV4): Promise<string> {
  const { stream } = await model.doStream(prompt)
  const parts: LanguageModelV4StreamPart[] = []
  for await (const part of stream) parts.push(part)
  expect(parts.at(-1)?.type).toBe('finish')
  return parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('')
}

/** The vendors' clients, over one fetch. */
function models(servers: TestServers, fetch: typeof globalThis.fetch): Record<string, LanguageModelV4> {
  const openai = createOpenAI({ baseURL: servers.baseURL, apiKey: 'unused', fetch })
  const anthropic = createAnthropic({ baseURL: servers.baseURL, apiKey: 'unused', fetch })
  return { chat: openai.chat('any'), responses: openai.responses('any'), messages: anthropic('any') }
}

test.each(['chat', 'responses', 'messages'])(
  'given the test servers, when tokens expire between calls of %s, then each call succeeds',
  async (name) => {
    const servers = await started({ answer: 'One two  three.' })
    const credential = createCredential({ source: servers.source })
    const fetch = refreshingFetch(credential, { origins: servers.origin })
    const { [name]: model } = models(servers, fetch)
    if (model === undefined) throw new Error(name)
    expect(await generated(model)).toBe('One two  three.')
    servers.expireTokens()
    expect(await streamed(model)).toBe('One two  three.')
    servers.expireTokens()
    expect(await generated(model)).toBe('One two  three.')
    expect(servers.counts).toEqual({ calls: 5, rejected: 2, tokenRequests: 3, tokens: 3 })
    expect(servers.requests.filter(({ status }) => status === 401)).toHaveLength(2)
  },
)

test.each([
  ['no credential', undefined, 'OpenAI', { code: null }],
  ['an expired token', 'expired', 'OpenAI', { code: 'token_expired' }],
  ['an unknown token', 'other', 'OpenAI', { code: 'invalid_api_key' }],
  ['no credential', undefined, 'Anthropic', { type: 'authentication_error' }],
  ['an expired token', 'expired', 'Anthropic', { type: 'authentication_error' }],
])('given %s (%s), when it is sent, then the 401 is that of %s', async (_name, token, vendor, error) => {
  const servers = await started()
  const { access_token: expired } = servers.login()
  servers.expireTokens()
  const path = vendor === 'OpenAI' ? '/v1/chat/completions' : '/v1/messages'
  const authorization = `Bearer ${token === 'expired' ? expired : token}`
  const headers = token === undefined ? {} : { authorization }
  const response = await fetch(servers.origin + path, { method: 'POST', headers, body: '{}' })
  expect(response.status).toBe(401)
  expect(await response.json()).toMatchObject({ error })
})

test('given a token in x-api-key, when it is good, then the request is accepted', async () => {
  const servers = await started()
  const headers = { 'x-api-key': servers.login().access_token }
  const send = { method: 'POST', headers, body: '{}' }
  expect((await fetch(`${servers.origin}/v1/messages`, send)).status).toBe(200)
  servers.expireTokens()
  const refused = await fetch(`${servers.origin}/v1/messages`, send)
  expect(await refused.json()).toMatchObject({ error: { message: 'invalid x-api-key' } })
})

test('given a clock of the test, when the lifetime is over, then the token is rejected', async () => {
  const clock = new ManualClock()
  const servers = await started({ clock, lifetime: 5_000 })
  const credential = createCredential({ source: servers.source, clock })
  const first = await credential.accessToken()
  const send = { method: 'POST', headers: { authorization: `Bearer ${first}` }, body: '{}' }
  expect((await fetch(`${servers.baseURL}/chat/completions`, send)).status).toBe(200)
  clock.jump(5_000)
  expect((await fetch(`${servers.baseURL}/chat/completions`, send)).status).toBe(401)
  expect(await credential.accessToken()).not.toBe(first)
})

test('given revoked logins, when a credential refreshes, then only a login mends it', async () => {
  const servers = await started()
  const credential = createCredential({ source: servers.source })
  const first = await credential.snapshot()
  servers.revokeLogins()
  await expect(credential.refresh(first)).rejects.toMatchObject({ code: 'reauthentication_required' })
  await credential.login(servers.login())
  const fetch = refreshingFetch(credential, { origins: servers.origin })
  expect((await fetch(`${servers.baseURL}/models`)).status).toBe(200)
})

test('given a refresh token, when it is redeemed twice, then its login has ended', async () => {
  const servers = await started()
  const { refresh_token = '' } = servers.login()
  const redeem = async (token: string): Promise<Response> => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token })
    return fetch(servers.tokenEndpoint, { method: 'POST', body })
  }
  const second = (await (await redeem(refresh_token)).json()) as { refresh_token: string }
  expect(await (await redeem(refresh_token)).json()).toMatchObject({ error: 'invalid_grant' })
  expect(await (await redeem(second.refresh_token)).json()).toMatchObject({ error: 'invalid_grant' })
})

test('given a token endpoint that fails, when it works again, then the credential has a token', async () => {
  const servers = await started()
  servers.failTokenRequests(1, 503)
  const credential = createCredential({ source: servers.source })
  await expect(credential.accessToken()).resolves.toMatch(/^test-access-1-/)
  expect(servers.counts).toMatchObject({ tokenRequests: 2, tokens: 1 })
})

test('given the issuer of the test servers, when oauth() uses it, then its two grants work', async () => {
  const { issuer, login } = await started()
  const { refresh_token: refreshToken = '' } = login()
  const grants = ['client_credentials', { type: 'refresh_token', refreshToken }] as const
  for (const grant of grants) {
    const source = oauth({ issuer, clientId: 'me', clientSecret: 'secret', grant })
    await expect(createCredential({ source }).accessToken()).resolves.toMatch(/^test-access-/)
  }
})

test('given an invalid request, when it arrives, then the response says so', async () => {
  const servers = await started()
  const headers = { authorization: `Bearer ${servers.login().access_token}` }
  const send = async (path: string, body: string): Promise<number> =>
    (await fetch(servers.baseURL + path, { method: 'POST', headers, body })).status
  expect(await send('/chat/completions', 'no JSON')).toBe(400)
  expect(await send('/messages', '3')).toBe(400)
  expect(await send('/unknown', '{}')).toBe(404)
})

test('given a function for an answer, when it throws, then the response is a 500', async () => {
  const answer = ({ body }: { body: unknown }): string => (body as { messages: string[] }).messages.join(' ')
  const servers = await started({ answer })
  const headers = { authorization: `Bearer ${servers.login().access_token}` }
  const send = async (body: unknown): Promise<Response> =>
    fetch(`${servers.baseURL}/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect((await send({})).status).toBe(500)
  expect(await (await send({ messages: ['a', 'b'] })).text()).toContain('a b')
})

test('given options that are wrong, when servers are started, then it is refused', async () => {
  await expect(startTestServers({ lifetime: 0 })).rejects.toMatchObject({ code: 'invalid_option' })
  const misspelt: object = { lifetimes: 1 }
  await expect(startTestServers(misspelt)).rejects.toMatchObject({ code: 'invalid_option' })
})

test('given servers that were closed, when a credential refreshes, then the error says so', async () => {
  const servers = await startTestServers()
  await servers[Symbol.asyncDispose]()
  await servers.close()
  const issued = servers.source.issue({
    current: undefined,
    challenge: undefined,
    signal: new AbortController().signal,
    sent: () => undefined,
  })
  await expect(issued).rejects.toMatchObject({ code: 'source_unreachable' })
})

test('[E4] given a program that forgets to close the servers, when its work is done, then it ends', async () => {
  const main = await program(`
    import { createCredential, refreshingFetch } from '${fileOfSource('index.ts')}'
    import { startTestServers } from '${fileOfSource('testing/index.ts')}'
    const servers = await startTestServers()
    const fetch = refreshingFetch(createCredential({ source: servers.source }), { origins: servers.origin })
    const body = JSON.stringify({ stream: true })
    const response = await fetch(servers.baseURL + '/chat/completions', { method: 'POST', body })
    console.log(response.status, (await response.text()).length > 0)`)
  const { stdout } = await promisify(execFile)(process.execPath, [main], { timeout: 120_000 })
  expect(stdout).toBe('200 true\n')
})
