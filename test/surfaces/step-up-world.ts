import { createOpenAI } from '@ai-sdk/openai'
import type { Source } from '../../src/credential/source.ts'
import { type Refresher, type AccessToken, createCredential, type RefreshEvent } from '../../src/index.ts'
import { mcp } from '../../src/sources/mcp/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { languageModelProvider, refreshingModels } from '../../src/surfaces/ai-sdk/index.ts'
import { RefreshingProvider } from '../../src/surfaces/provider/index.ts'
import { PATH_METADATA, type Place, startWorld, type World } from '../sources/mcp-world.ts'
import { newAgent, SURFACES } from './http-surface.ts'

const CHAT = '/v1/chat/completions'
const COMPLETION = {
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
}
const CHUNK = { ...COMPLETION, object: 'chat.completion.chunk' }
const STREAM = [
  { ...CHUNK, choices: [{ index: 0, delta: { role: 'assistant', content: 'ok' }, finish_reason: null }] },
  { ...CHUNK, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
]
  .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
  .join('')

/** An API that demands scopes, and whoever issues its tokens. */
export interface Demanding extends World {
  /** Scopes as they were asked for, by request. */
  readonly asked: () => (string | undefined)[]
}

/**
 * @param demand the scopes that a call needs, by its number; a text with `error=` in it is the challenge itself
 * @param tellsScope the token endpoint tells what it has granted
 */
export async function startDemanding(
  demand: (calls: number) => string,
  tellsScope = true,
): Promise<Demanding> {
  const world = await startWorld()
  const { api, auth, url } = world
  const resource = url
  const metadata = { resource, authorization_servers: [auth.origin], scopes_supported: ['read'] }
  api.routes.set(PATH_METADATA, { body: metadata })
  const granted = new Map<string, string>()
  auth.routes.set('/token', ({ body }) => {
    const scope = new URLSearchParams(body.toString()).get('scope') ?? ''
    const token = `t${granted.size + 1}`
    granted.set(token, scope)
    return { body: { access_token: token, token_type: 'Bearer', ...(tellsScope && { scope }) } }
  })
  let calls = 0
  const answer: Parameters<Place['routes']['set']>[1] = ({ headers, body }) => {
    const wanted = demand(++calls)
    const scopes = granted.get((headers.authorization ?? '').replace('Bearer ', ''))?.split(' ') ?? []
    const isChallenge = wanted.includes('error=')
    if (!isChallenge && wanted.split(' ').every((scope) => scopes.includes(scope))) {
      const streams = body.toString().includes('"stream":true')
      const headersOf = streams ? { headers: { 'content-type': 'text/event-stream' } } : {}
      return { ...headersOf, body: streams ? STREAM : COMPLETION }
    }
    const challenge = isChallenge ? wanted : `Bearer error="insufficient_scope", scope="${wanted}"`
    const error = { message: 'You may not do this.', type: 'permission_error', code: 'forbidden' }
    return { status: 403, headers: { 'www-authenticate': challenge }, body: { error } }
  }
  api.routes.set('/mcp', answer)
  api.routes.set(CHAT, answer)
  return { ...world, asked: () => auth.posted('/token').map(({ scope }) => scope) }
}

/** Makes one call, and tells the status that its caller sees. */
export type Call = () => Promise<number>

/** Ways to call an API with a credential. */
export const CALLERS: Readonly<
  Record<string, (credential: Refresher<AccessToken>, world: Demanding) => Call | Promise<Call>>
> = {
  ...Object.fromEntries(
    SURFACES.map(({ name, over }) => [
      name,
      (credential: Refresher<AccessToken>, { api, url }: Demanding): Call => {
        const cell = credential.map(({ accessToken }) => accessToken)
        const ask = over(newAgent(), cell, { origins: api.origin, apply: 'authorization' })
        return async () => {
          const answer = await ask(url, { method: 'POST', body: 'hello' })
          await answer.text()
          return answer.status
        }
      },
    ]),
  ),
  'RefreshingProvider’s chat': async (credential, world) => {
    const provider = await RefreshingProvider.from(credential.map((token) => providerOf(token, world)))
    return async () => {
      const outcome = await provider.chat(REQUEST)
      return outcome.type === 'success' ? 200 : 'status' in outcome ? (outcome.status ?? 0) : 0
    }
  },
  'RefreshingProvider’s chatStream': async (credential, world) => {
    const provider = await RefreshingProvider.from(credential.map((token) => providerOf(token, world)))
    return async () => {
      for await (const delta of provider.chatStream(REQUEST)) {
        if (delta.type === 'error') return delta.status ?? 0
      }
      return 200
    }
  },
  'the AI SDK’s doGenerate': (credential, world) => {
    const model = modelsOf(credential, world).chat('m')
    return () => statusOf(model.doGenerate({ prompt: PROMPT }))
  },
  'the AI SDK’s doStream': (credential, world) => {
    const model = modelsOf(credential, world).chat('m')
    return () => statusOf(model.doStream({ prompt: PROMPT }))
  },
}

const PROMPT = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] }]
const REQUEST = { system: '', messages: [{ role: 'user' as const, content: 'hello' }] }

function settingsOf({ accessToken }: AccessToken, { api }: Demanding): Parameters<typeof createOpenAI>[0] {
  return { apiKey: accessToken, baseURL: `${api.origin}/v1` }
}

function providerOf(token: AccessToken, world: Demanding) {
  return languageModelProvider(createOpenAI(settingsOf(token, world)).chat('m'))
}

function modelsOf(credential: Refresher<AccessToken>, world: Demanding) {
  return refreshingModels(credential, (token) => createOpenAI(settingsOf(token, world)))
}

async function statusOf(call: PromiseLike<unknown>): Promise<number> {
  try {
    await call
    return 200
  } catch (error) {
    return Number(Reflect.get(Object(error), 'statusCode'))
  }
}

const client = { clientId: 'app', clientSecret: 'canary-s3cret' }
const exchange = { type: 'token_exchange', subjectToken: 'canary-subject' } as const

/** Sources that need no person to ask for more. */
export const MACHINES: Readonly<Record<string, (world: Demanding) => Source>> = {
  'oauth() with client credentials': ({ auth }) =>
    oauth({ ...endpoint(auth), scope: 'read', grant: 'client_credentials' }),
  'oauth() with a token exchange': ({ auth }) => oauth({ ...endpoint(auth), scope: 'read', grant: exchange }),
  'oauth() with a JWT': ({ auth }) =>
    oauth({ ...endpoint(auth), scope: 'read', grant: { type: 'jwt_bearer', assertion: 'canary-jwt' } }),
  'oauth() with an extension grant': ({ auth }) =>
    oauth({ ...endpoint(auth), scope: 'read', grant: { type: 'urn:x', parameters: { apikey: 'canary' } } }),
  'workload()': ({ auth }) =>
    workload({
      for: { tokenEndpoint: `${auth.origin}/token`, scope: 'read' },
      subjectToken: () => 'canary-subject',
    }),
  'mcp() with client credentials': ({ url }) => mcp(url, { ...client, grant: 'client_credentials' }),
  'mcp() with an identity assertion': ({ url }) =>
    mcp(url, { ...client, grant: { type: 'jwt_bearer', assertion: 'canary-id-jag' } }),
}

function endpoint({ origin }: Place) {
  return { ...client, tokenEndpoint: `${origin}/token` }
}

/** A credential, and what is told of it. */
export function listening(source: Source) {
  const events: RefreshEvent[] = []
  const credential = createCredential({ source, onEvent: (event) => events.push(event) })
  const of = (type: RefreshEvent['type']): RefreshEvent[] => events.filter((event) => event.type === type)
  return { credential, of }
}
