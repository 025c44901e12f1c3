/**
 * A program that uses every public name, as users do. Tests compile it against the published types, with old compilers and with the types of
 * other runtimes. They never run it. It uses only ES2022, and needs no types except those of a runtime's fetch.
 */
import {
  type Credential,
  createCredential,
  createCredentialPool,
  isUnauthorizedError,
  logEvents,
  memoryStore,
  Refreshable,
  RefreshError,
  type RefreshEvent,
  refreshingFetch,
  retryOnce,
  retryStreamOnce,
  type Source,
  type Store,
} from 'llm-refresh'
import { type AiSdkModel, languageModelProvider, refreshingModel } from 'llm-refresh/ai-sdk'
import { modelCapabilities } from 'llm-refresh/models'
import { BaseProvider, type ChatOutcome, RefreshingProvider } from 'llm-refresh/provider'
import { createProxy, createProxyKey } from 'llm-refresh/proxy'
import { aws } from 'llm-refresh/sources/aws'
import { azure } from 'llm-refresh/sources/azure'
import { command } from 'llm-refresh/sources/command'
import { env } from 'llm-refresh/sources/env'
import { file } from 'llm-refresh/sources/file'
import { google } from 'llm-refresh/sources/google'
import { mcp, mcpLogin } from 'llm-refresh/sources/mcp'
import { deviceLogin, oauth } from 'llm-refresh/sources/oauth'
import { browserLogin } from 'llm-refresh/sources/oauth-browser'
import { workload } from 'llm-refresh/sources/workload'
import { fileStore } from 'llm-refresh/stores/file'
import { postgresStore } from 'llm-refresh/stores/postgres'
import { redisStore } from 'llm-refresh/stores/redis'
import { sealedStore } from 'llm-refresh/stores/sealed'
import { startTestServers, storeContract, testCredential } from 'llm-refresh/testing'
import { refreshingInterceptor } from 'llm-refresh/undici'

const ORIGIN = 'https://api.example.com'
const client = { issuer: ORIGIN, clientId: 'consumer' }

export const sources: readonly Source[] = [
  mcp(ORIGIN, { issuers: [ORIGIN], clientMetadataUrl: `${ORIGIN}/client.json` }),
  oauth({ ...client, clientSecret: 'secret', grant: 'client_credentials', fetch }),
  aws({ region: 'eu-west-1' }),
  azure({ scopes: 'https://cognitiveservices.azure.com/.default' }),
  command({ file: 'gcloud', args: ['auth', 'print-access-token'] }),
  env('TOKEN'),
  file('/var/run/token'),
  google(),
  workload({
    for: 'anthropic',
    organizationId: 'o',
    federationRuleId: 'r',
    serviceAccountId: 's',
    subjectToken: file('/var/run/token'),
  }),
]

export const stores: readonly Store[] = [
  memoryStore(),
  fileStore(),
  redisStore({ eval: async (script: string, keys: string[], args: string[]) => [script, keys, args] }),
  postgresStore({ query: async (_text: string, _values: (string | null)[]) => ({ rows: [] }) }),
  sealedStore(memoryStore(), [{ id: 'one', secret: new Uint8Array(32) }]),
]

export const cell: Refreshable<string> = new Refreshable({
  initial: 'first',
  refresh: async ({ current, signal }) => `${current?.value}${signal.aborted}`,
  onEvent: (event: RefreshEvent) => console.log(event.type),
})

const one: Credential = createCredential({ source: oauth({ ...client }), store: memoryStore(), key: 'one' })
export const accounts = createCredentialPool({ source: oauth({ ...client }), idle: 1_000 })

/** The result of `refreshingFetch` is accepted wherever the platform's fetch is. */
export const send: typeof fetch = refreshingFetch(one, { origins: ORIGIN })
const withKey: typeof globalThis.fetch = refreshingFetch(cell, {
  origins: [ORIGIN],
  apply: 'x-api-key',
  fetch: send,
})
const created = createProxyKey({ name: 'consumer' })
export const proxy = createProxy({ keys: [created.entry], routes: { api: { to: ORIGIN, credential: one } } })
export const interceptor = refreshingInterceptor(one, { origins: ORIGIN })

export async function calls(leaving: AbortController): Promise<string> {
  const { signal } = leaving
  const response = await withKey(`${ORIGIN}/v1`, { method: 'POST', body: 'hello', signal })
  const accessToken = await one.accessToken({ minTtl: 60_000, signal })
  const text = await retryOnce(cell, async (token) => token + accessToken, {
    isRejectionError: (error) => isUnauthorizedError(error),
    signal,
  })
  const stream = retryStreamOnce(
    cell,
    async function* (token) {
      yield token
    },
    { isContent: () => true, isEnd: () => false },
  )
  for await (const item of stream) console.log(item)
  return `${response.status} ${await response.text()} ${text}`
}

export async function logins(): Promise<void> {
  await one.login({
    accessToken: 'a',
    refreshToken: 'r',
    expiresAt: Date.now() + 60_000,
    extra: { a: [1, null] },
  })
  await one.login(await deviceLogin({ ...client, onPrompt: ({ userCode }) => console.log(userCode) }))
  const login = mcpLogin(ORIGIN, { redirectUri: `${ORIGIN}/callback` })
  const begun = await login.begin()
  await one.login(await login.finish(begun.url, { binding: begun.binding }))
  await one.login(await browserLogin({ ...client, open: (url) => console.log(url) }))
  const { findings } = await one.check()
  console.log(
    findings.map(({ fix }) => fix),
    one.status().failure?.code,
  )
  await one.flush({ timeout: 1_000 })
  await one.logout()
}

class Vendor extends BaseProvider {
  readonly provider = 'anthropic'
  readonly model = 'claude-sonnet-4-5'

  async chat(): Promise<ChatOutcome> {
    return { type: 'invalid_request', message: 'token has expired', status: 401 }
  }
}

export const provider = new RefreshingProvider(new Vendor(), async () => new Vendor(), {
  onEvent: (event) => {
    if (event.type === 'refresh_failed')
      console.log(event.error.code, event.error.terminal, event.error.cause)
  },
})

export async function models(model: AiSdkModel & Parameters<typeof languageModelProvider>[0]): Promise<void> {
  const wrapped = await refreshingModel(one.map(() => model))
  for await (const delta of languageModelProvider(wrapped).chatStream({ system: '', messages: [] })) {
    if (delta.type === 'text_delta') console.log(delta.delta)
  }
  console.log(modelCapabilities('anthropic', wrapped.modelId)?.contextWindow)
}

export async function tried(): Promise<readonly string[]> {
  const servers = await startTestServers({ lifetime: 1_000, answer: ({ path }) => path })
  const scripted = testCredential({
    onEvent: logEvents({ write: (line, { key }) => console.log(line, key) }),
  })
  scripted.expire()
  servers.expireTokens()
  await servers.close()
  return [servers.baseURL, `${servers.counts.calls}`, ...scripted.tokens]
}

export function advice(error: unknown): string {
  return error instanceof RefreshError ? error.code : 'unknown'
}

export const cases = storeContract(() => memoryStore())
