import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { Refreshable, refreshingFetch } from 'llm-refresh'
import { refreshingInterceptor } from 'llm-refresh/undici'
import { Agent, type Dispatcher } from 'undici'
import { type Finding, inTurn } from './rounds.ts'

const CALLERS = 100
/** Storms for each figure. A single storm is too short to measure. */
const STORMS = 6
const ROUNDS = 15
const REFRESH_MS = 20
const messages = [{ role: 'user', content: 'word '.repeat(200) }]
const body = JSON.stringify({ model: 'bench', messages })
const headers = { 'content-type': 'application/json' }

/** A side of a comparison. It sets up one storm, and returns the function that makes one call. */
type Side = () => () => Promise<void>

/** The CPU time of 100 rejected calls, compared with a hand-written retry that also reads the body of each 401. */
export async function storm(): Promise<Finding[]> {
  const server = fork(new URL('http-server.ts', import.meta.url), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const agents = [new Agent(), new Agent()] as const
  try {
    const [origin] = String((await once(server.stdout ?? server, 'data'))[0]).split('\n')
    if (origin === undefined) throw new Error('the server did not start')
    const ourFetch = (): typeof fetch => refreshingFetch(cell(), { origins: origin })
    const byFetch =
      (make: () => typeof fetch): Side =>
      () => {
        const through = make()
        return async () => {
          const response = await through(`${origin}/v1/chat`, { method: 'POST', headers, body })
          check(response.status, await response.text())
        }
      }
    const findings = [
      await finding('refreshingFetch', byFetch(fetchByHand), byFetch(ourFetch)),
      await finding('the undici interceptor', requestsByHand(origin, agents[0]), requests(origin, agents[1])),
    ]
    const byClient = await clientSide(origin)
    if (byClient === undefined) console.warn('The OpenAI client is not there: npm ci --prefix examples')
    else findings.splice(1, 0, await finding('the OpenAI client', byClient(fetchByHand), byClient(ourFetch)))
    return findings
  } finally {
    await Promise.all(agents.map((agent) => agent.close()))
    server.kill()
  }
}

async function finding(what: string, byHand: Side, ours: Side): Promise<Finding> {
  const { ratio } = await inTurn(ROUNDS, cpuOf(byHand), cpuOf(ours))
  return {
    question: `CPU of a storm: ${CALLERS} calls rejected at once, through ${what}`,
    figure: ratio,
    unit: '×',
    ceiling: 1.15,
    note: 'that of a retry by hand that reads the body of each 401',
  }
}

/** The hand-written retry. */
function fetchByHand(): typeof fetch {
  let token = 'old'
  let flight: Promise<void> | undefined
  const send: typeof fetch = (input, init) => {
    const given = new Headers(init?.headers)
    given.set('authorization', `Bearer ${token}`)
    return fetch(input, { ...init, headers: given })
  }
  return async (input, init) => {
    const first = await send(input, init)
    if (first.status !== 401) return first
    await first.text()
    flight ??= wait().then(() => void (token = 'token'))
    await flight
    return send(input, init)
  }
}

function requestsByHand(origin: string, agent: Agent): Side {
  const empty: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
    dispatch(options, handler)
  const request = post(agent.compose(empty), origin)
  return () => {
    let token = 'old'
    let flight: Promise<void> | undefined
    return async () => {
      const first = await request({ authorization: `Bearer ${token}` })
      if (first.statusCode !== 401) throw new Error('not rejected')
      await first.body.text()
      flight ??= wait().then(() => void (token = 'token'))
      await flight
      const second = await request({ authorization: `Bearer ${token}` })
      check(second.statusCode, await second.body.text())
    }
  }
}

function requests(origin: string, agent: Agent): Side {
  return () => {
    const request = post(agent.compose(refreshingInterceptor(cell(), { origins: origin })), origin)
    return async () => {
      const { statusCode, body: answer } = await request({})
      check(statusCode, await answer.text())
    }
  }
}

function post(through: Dispatcher, origin: string): (more: object) => Promise<Dispatcher.ResponseData> {
  return (more) =>
    through.request({ origin, path: '/v1/chat', method: 'POST', headers: { ...headers, ...more }, body })
}

/** The part of the OpenAI client that this file uses. */
interface Client {
  readonly chat: { readonly completions: { create(request: object): Promise<{ id: string }> } }
}

/** A side that calls through the OpenAI client. undefined: the examples, which bring the client, are not installed. */
async function clientSide(origin: string): Promise<((make: () => typeof fetch) => Side) | undefined> {
  const examples = new URL('../examples/node_modules/', import.meta.url)
  if (!existsSync(examples)) return undefined
  const file = new URL('openai/index.mjs', examples)
  const { OpenAI } = (await import(file.href)) as { OpenAI: new (options: object) => Client }
  return (make) => () => {
    const options = { apiKey: 'unused', baseURL: `${origin}/v1`, fetch: make(), maxRetries: 0 }
    const client = new OpenAI(options)
    return async () => {
      const { id } = await client.chat.completions.create({ model: 'bench', messages })
      if (id !== '1') throw new Error('no response')
    }
  }
}

function cell(): Refreshable<string> {
  return new Refreshable({ initial: 'old', refresh: () => wait().then(() => 'token') })
}

function check(status: number, _text: string): void {
  if (status !== 200) throw new Error(`HTTP ${status}`)
}

function wait(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REFRESH_MS))
}

/** The CPU time of this process in µs. Other processes of a busy machine do not change it. */
function cpuOf(side: Side): () => Promise<number> {
  return async () => {
    const before = process.cpuUsage()
    for (let n = 0; n < STORMS; n++) {
      const call = side()
      await Promise.all(Array.from({ length: CALLERS }, call))
    }
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
}
