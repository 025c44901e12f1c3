import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Refreshable, refreshingFetch } from 'llm-refresh'
import { refreshingInterceptor } from 'llm-refresh/undici'
import { Agent, type Dispatcher } from 'undici'
import { elapsed, type Finding, inTurn } from './rounds.ts'

const REQUESTS = 1_000
const AT_ONCE = 16
const body = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'word '.repeat(200) }] })
const headers = { 'content-type': 'application/json' }
const token = new Refreshable({ initial: 'token', refresh: async () => 'token' })

/** Requests per second on loopback, with each HTTP surface and without it. */
export async function http(): Promise<Finding[]> {
  const server = fork(new URL('http-server.ts', import.meta.url), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  try {
    const [origin] = String((await once(server.stdout ?? server, 'data'))[0]).split('\n')
    if (origin === undefined) throw new Error('the server did not start')
    return [await throughFetch(origin), await throughInterceptor(origin)]
  } finally {
    server.kill()
  }
}

async function throughFetch(origin: string): Promise<Finding> {
  const byHand: typeof fetch = (input, init) => {
    const given = new Headers(init?.headers)
    given.set('authorization', 'Bearer token')
    return fetch(input, { ...init, headers: given })
  }
  const call = (through: typeof fetch) => async (): Promise<void> => {
    const response = await through(`${origin}/v1/chat`, { method: 'POST', headers, body })
    await check(response.status, response.text())
  }
  return finding(
    'refreshingFetch',
    'a fetch by hand that sets the header',
    call(byHand),
    call(refreshingFetch(token, { origins: origin })),
  )
}

async function throughInterceptor(origin: string): Promise<Finding> {
  const empty: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
    dispatch(options, handler)
  const call = (dispatcher: Dispatcher, more: object) => async (): Promise<void> => {
    const given = {
      origin,
      path: '/v1/chat',
      method: 'POST',
      headers: { ...headers, ...more },
      body,
    } as const
    const response = await dispatcher.request(given)
    await check(response.statusCode, response.body.text())
  }
  const agents = [new Agent(), new Agent()] as const
  const composed = agents[1].compose(refreshingInterceptor(token, { origins: origin }))
  try {
    const bare = call(agents[0].compose(empty), { authorization: 'Bearer token' })
    return await finding('the undici interceptor', 'an empty one', bare, call(composed, {}))
  } finally {
    await Promise.all(agents.map((agent) => agent.close()))
  }
}

async function check(status: number, text: Promise<string>): Promise<void> {
  await text
  if (status !== 200) throw new Error(`HTTP ${status}`)
}

async function finding(
  what: string,
  against: string,
  one: () => Promise<void>,
  other: () => Promise<void>,
): Promise<Finding> {
  const times = await inTurn(81, requests(one), requests(other))
  return {
    question: `Requests per second through ${what}`,
    figure: 1 / times.ratio,
    unit: '×',
    floor: 0.95,
    note: `those through ${against}: ${perSecond(times.other)} and ${perSecond(times.one)}, ${AT_ONCE} at once, from a server of its own process`,
  }
}

function requests(call: () => Promise<void>): () => Promise<number> {
  return () =>
    elapsed(async () => {
      let left = REQUESTS
      const work = async (): Promise<void> => {
        while (left-- > 0) await call()
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
    })
}

function perSecond(nanoseconds: number): string {
  return (REQUESTS / (nanoseconds / 1e9)).toFixed(0)
}
