import { Client } from 'undici'
import {
  type AccessToken,
  createCredential,
  memoryStore,
  Refreshable,
  RefreshError,
  type RefreshEvent,
  refreshingFetch,
  type RefreshingFetchOptions,
  type Refresher,
} from '../../src/index.ts'
import { refreshingInterceptor } from '../../src/surfaces/undici/index.ts'
import { startTestServers, type TestServers } from '../../src/testing/index.ts'
import { type Situation, situations } from './situation.ts'
import { CONTEXT } from './source.ts'

const ORIGIN = 'https://api.example.com'
const TO_API = { origin: ORIGIN, path: '/', method: 'GET' } as const
const cell = (): Refreshable<string> => new Refreshable({ initial: 'a', refresh: async () => 'b' })

interface Calling extends Partial<RefreshingFetchOptions<string>> {
  readonly respond?: () => Response
}

/** What a call gets, or what an event tells of it. */
async function calling(
  refresher: Refresher<unknown>,
  { respond = () => new Response('', { status: 401 }), ...options }: Calling = {},
  init: RequestInit & { duplex?: 'half' } = {},
): Promise<unknown> {
  const heard: RefreshEvent[] = []
  const fetch = refreshingFetch(refresher as Refresher<string>, {
    origins: ORIGIN,
    fetch: async (_, { body } = {}) => {
      await new Response(body).text().catch(() => undefined)
      return respond()
    },
    onEvent: (event) => heard.push(event),
    ...options,
  })
  const response = await fetch(`${ORIGIN}/v1`, init)
  const error: unknown = heard.map((event) => Reflect.get(event, 'error') as unknown).find(Boolean)
  if (error !== undefined) throw error
  // A synthetic 401 tells it.
  const told = /llm-refresh: (\w+): (.*?)(?="|$)/.exec(await response.text())
  if (told !== null) throw new RefreshError(told[1] as 'redirect_refused', told[2] ?? '')
  return response
}

const brokenOff = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ pull: (controller) => controller.error(new Error('x')) })

const intercepted = refreshingInterceptor(cell(), { origins: ORIGIN })(
  (_options: object, _handler: object) => true,
)

/** @param before gives the token at hand */
async function onServers(
  before: (servers: TestServers) => void | AccessToken | Promise<AccessToken>,
): Promise<unknown> {
  const servers = await startTestServers()
  try {
    const current = (await before(servers)) ?? undefined
    return await servers.source.issue({ ...CONTEXT, current })
  } finally {
    await servers.close()
  }
}

/** fetch, undici, and the servers for users’ own tests. */
export const SURFACE_SITUATIONS: readonly Situation[] = situations({
  'a value is no token': () => calling(new Refreshable({ refresh: async () => ({}) })),
  'a token has a line break inside': () => calling(new Refreshable({ refresh: async () => 'a\nb' })),
  'a rejected request has a body that broke off': () =>
    calling(cell(), {}, { method: 'POST', body: brokenOff(), duplex: 'half' }),
  'a rejected request has a body over the limit': () =>
    calling(cell(), { replayLimit: 10 }, { method: 'POST', body: 'a'.repeat(20) }),
  'a server redirects a call whose header would go along': () =>
    calling(cell(), {
      apply: 'x-api-key',
      respond: () => new Response(null, { status: 302, headers: { location: 'https://b.example/' } }),
    }),
  'a login has ended, and calls are refused': async () => {
    const source = {
      issue: async () => {
        throw new RefreshError('reauthentication_required', 'It is over.')
      },
    }
    const credential = createCredential({ source, store: memoryStore() })
    await credential.snapshot().catch(() => undefined)
    return calling(credential, { whenDead: 'refuse' })
  },
  'undici is given a request without an origin': () => intercepted({ path: '/', method: 'GET' }, {}),
  'a handler of undici 6 makes a request': () => intercepted(TO_API, {}),
  'a Client of undici sends to its own server, whatever the request names': async () => {
    const servers = await startTestServers()
    const client = new Client(servers.origin)
    try {
      const composed = client.compose(refreshingInterceptor(cell(), { origins: ORIGIN }))
      return await composed.request({ ...TO_API })
    } finally {
      await client.destroy()
      await servers.close()
    }
  },
  'a test closed its servers': async () => {
    const servers = await startTestServers()
    await servers.close()
    return servers.source.issue(CONTEXT)
  },
  'the test servers fail': () => onServers((servers) => servers.failTokenRequests(1)),
  'the test servers ask to wait': () => onServers((servers) => servers.failTokenRequests(1, 429)),
  'the test servers refuse': () => onServers((servers) => servers.failTokenRequests(1, 400)),
  'a test revoked its login': () =>
    onServers(async (servers) => {
      const { refresh_token: refreshToken, access_token: accessToken } = servers.login()
      servers.revokeLogins()
      return { accessToken, refreshToken }
    }),
})
