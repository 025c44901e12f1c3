/**
 * One program over the public API, for any runtime. `globalThis.portable(origin)` runs its trials against the servers of `portable-servers.ts`,
 * and returns the result of each.
 */
import {
  type AccessToken,
  type Credential,
  createCredential,
  createCredentialPool,
  memoryStore,
  Refreshable,
  RefreshError,
  refreshingFetch,
} from 'llm-refresh'
import { refreshingModel } from 'llm-refresh/ai-sdk'
import { oauth } from 'llm-refresh/sources/oauth'
import { sealedStore } from 'llm-refresh/stores/sealed'

/** The name of each trial → `yes`, or the reason why it failed. */
export type Told = Readonly<Record<string, string>>

type Trial = (origin: string) => Promise<void>

let accounts = 0

/** Makes a login whose access token the API rejects. */
async function stale(origin: string): Promise<{ token: Credential; account: string }> {
  const account = `account-${++accounts}-${Math.random().toString(36).slice(2)}`
  const token = createCredential({
    source: oauth({
      tokenEndpoint: `${origin}/token/${account}`,
      clientId: 'portable',
      clientSecret: 'secret',
    }),
    store: memoryStore(),
    key: account,
  })
  await token.login({ accessToken: 'stale', refreshToken: `${account}.0`, expiresAt: Date.now() + 3_600_000 })
  return { token, account }
}

function same(found: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)]
  if (one !== other) throw new Error(`${one}, not ${other}`)
}

/** How often the account's refresh tokens were redeemed. */
async function redemptions(origin: string, account: string): Promise<number> {
  return Number(await (await fetch(`${origin}/redemptions/${account}`)).text())
}

const trials: Readonly<Record<string, Trial>> = {
  'one refresh for many callers': async () => {
    let refreshes = 0
    const cell = new Refreshable<string>({ initial: 'old', refresh: async () => `new ${++refreshes}` })
    const rejected = await cell.snapshot()
    const fresh = await Promise.all(Array.from({ length: 50 }, () => cell.refresh(rejected)))
    same([new Set(fresh.map(({ value }) => value)).size, refreshes], [1, 1])
  },
  'a credential with oauth()': async (origin) => {
    const { token, account } = await stale(origin)
    const all = Array.from({ length: 20 }, () => token.accessToken({ rejected: 'stale' }))
    same(new Set(await Promise.all(all)).size, 1)
    same(await redemptions(origin, account), 1)
  },
  'a pool of credentials': async (origin) => {
    const pool = createCredentialPool({
      source: oauth({
        tokenEndpoint: `${origin}/token/pool`,
        clientId: 'p',
        clientSecret: 's',
        grant: 'client_credentials',
      }),
      idle: 1,
    })
    for (const key of ['a', 'b', 'c']) same(typeof (await pool.get(key).accessToken()), 'string')
  },
  'fetch: 401, then 200': async (origin) => {
    const { token, account } = await stale(origin)
    const send = refreshingFetch(token, { origins: origin })
    const calls = Array.from({ length: 10 }, async (_, n) => {
      const response = await send(`${origin}/api/echo`, { method: 'POST', body: `hello ${n}` })
      return [response.status, await response.text()]
    })
    same(
      await Promise.all(calls),
      Array.from({ length: 10 }, (_, n) => [200, `hello ${n}`]),
    )
    same(await redemptions(origin, account), 1)
  },
  'fetch: a Request, a form, a Blob': async (origin) => {
    const bodies: (() => [RequestInfo, RequestInit?])[] = [
      () => [new Request(`${origin}/api/echo`, { method: 'POST', body: 'in a request' })],
      () => [`${origin}/api/echo`, { method: 'POST', body: new URLSearchParams({ in: 'a form' }) }],
      () => [`${origin}/api/echo`, { method: 'POST', body: new Blob(['in a blob']) }],
    ]
    const said: string[] = []
    for (const make of bodies) {
      const { token } = await stale(origin)
      said.push(await (await refreshingFetch(token, { origins: origin })(...make())).text())
    }
    same(said, ['in a request', 'in=a+form', 'in a blob'])
  },
  'fetch: a streamed response': async (origin) => {
    const { token } = await stale(origin)
    const response = await refreshingFetch(token, { origins: origin, inspectStreams: true })(
      `${origin}/api/events`,
    )
    same(await response.text(), 'data: one\n\ndata: two\n\n')
  },
  'fetch: a rejection inside a stream': async (origin) => {
    const { token, account } = await stale(origin)
    const send = refreshingFetch(token, { origins: origin, inspectStreams: true })
    same(await (await send(`${origin}/api/late`)).text(), 'data: one\n\ndata: two\n\n')
    same(await redemptions(origin, account), 1)
  },
  'fetch: a streamed upload': async (origin) => {
    const { token } = await stale(origin)
    const send = refreshingFetch(token, { origins: origin })
    // This call causes the refresh, so that the upload's stream need be sent only once.
    await send(`${origin}/api/echo`)
    const pieces = ['streamed ', 'up']
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift()
        if (piece === undefined) controller.close()
        else controller.enqueue(new TextEncoder().encode(piece))
      },
    })
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, duplex: 'half' }
    same(await (await send(`${origin}/api/echo`, init)).text(), 'streamed up')
  },
  'an abort ends the call, not the refresh': async (origin) => {
    const { token, account } = await stale(origin)
    const leaving = new AbortController()
    const call = refreshingFetch(token, { origins: origin })(`${origin}/api/leave`, {
      signal: leaving.signal,
    })
    const left = call.then(
      () => 'not aborted',
      (error: unknown) => (error as Error).name,
    )
    leaving.abort()
    same(await left, 'AbortError')
    same(typeof (await token.accessToken({ rejected: 'stale' })), 'string')
    same(await redemptions(origin, account), 1)
  },
  'a model of the AI SDK': async (origin) => {
    const { token, account } = await stale(origin)
    const model = await refreshingModel(
      token.map(({ accessToken }: AccessToken) => modelWith(accessToken, origin)),
    )
    same(JSON.stringify((await model.doGenerate({ prompt: [] })).content), '[{"type":"text","text":"hi"}]')
    const { stream } = await model.doStream({ prompt: [] })
    const reader = stream.getReader()
    const types: string[] = []
    for (let read = await reader.read(); !read.done; read = await reader.read()) types.push(read.value.type)
    same(types, ['stream-start', 'text-delta', 'finish'])
    same(await redemptions(origin, account), 1)
  },
  'sealedStore()': async () => {
    const below = memoryStore()
    const keys = [{ id: 'one', secret: new Uint8Array(32).fill(7) }]
    await sealedStore(below, keys).update('me', async () => ({ token: { accessToken: 'secret' } }))
    same(JSON.stringify(await below.read('me')).includes('secret'), false)
    same((await sealedStore(below, keys).read('me'))?.token?.accessToken, 'secret')
  },
}

/** A model whose client gets its token at construction. */
function modelWith(accessToken: string, origin: string) {
  const headers = { authorization: `Bearer ${accessToken}` }
  const ask = async (): Promise<void> => {
    const { status } = await fetch(`${origin}/api/echo`, { headers })
    if (status !== 200) throw Object.assign(new Error('token has expired'), { statusCode: status })
  }
  const parts = [{ type: 'stream-start' }, { type: 'text-delta' }, { type: 'finish' }]
  return {
    specificationVersion: 'v3' as const,
    provider: 'portable',
    modelId: 'model',
    doGenerate: async (_options: object) => {
      await ask()
      return { content: [{ type: 'text', text: 'hi' }], finishReason: 'stop', usage: {} }
    },
    doStream: async (_options: object) => {
      await ask()
      const stream = new ReadableStream<{ type: string }>({
        pull(controller) {
          const part = parts.shift()
          if (part === undefined) controller.close()
          else controller.enqueue(part)
        },
      })
      return { stream }
    },
  }
}

/** Runs all trials, or the named ones. A trial that takes 10 s counts as hanging. */
export async function portable(origin: string, only?: readonly string[]): Promise<Told> {
  const told: Record<string, string> = {}
  for (const [name, run] of Object.entries(trials)) {
    if (only !== undefined && !only.includes(name)) continue
    let timer: ReturnType<typeof setTimeout> | undefined
    const hung = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('It hangs.')), 10_000)
    })
    try {
      await Promise.race([run(origin), hung])
      told[name] = 'yes'
    } catch (error) {
      const { name: kind, message } = error as Error
      told[name] = error instanceof RefreshError ? `${error.code}: ${message}` : `${kind}: ${message}`
    } finally {
      clearTimeout(timer)
    }
  }
  return told
}

Object.assign(globalThis, { portable })
