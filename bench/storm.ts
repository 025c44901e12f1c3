import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Refreshable } from 'llm-refresh'
import { refreshingInterceptor } from 'llm-refresh/undici'
import { Agent, type Dispatcher } from 'undici'
import { type Finding, inTurn } from './rounds.ts'

const CALLERS = 100
/** Storms for each figure: one alone is too short to measure. */
const STORMS = 6
const REFRESH_MS = 20
const headers = { 'content-type': 'application/json' }
const body = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'word '.repeat(200) }] })

/** The CPU time of 100 calls that are all rejected, against a retry by hand that reads the 401's body, too. */
export async function storm(): Promise<Finding[]> {
  const server = fork(new URL('http-server.ts', import.meta.url), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const agents = [new Agent(), new Agent()] as const
  try {
    const [origin] = String((await once(server.stdout ?? server, 'data'))[0]).split('\n')
    if (origin === undefined) throw new Error('the server did not start')
    const request = (through: Dispatcher, more: object): Promise<Dispatcher.ResponseData> =>
      through.request({ origin, path: '/v1/chat', method: 'POST', headers: { ...headers, ...more }, body })
    const empty: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
      dispatch(options, handler)
    const bare = agents[0].compose(empty)

    const byHand = async (): Promise<void> => {
      let token = 'old'
      let flight: Promise<void> | undefined
      await all(async () => {
        const first = await request(bare, { authorization: `Bearer ${token}` })
        if (first.statusCode !== 401) throw new Error('not rejected')
        await first.body.text()
        flight ??= wait().then(() => void (token = 'token'))
        await flight
        await check(await request(bare, { authorization: `Bearer ${token}` }))
      })
    }
    const throughInterceptor = async (): Promise<void> => {
      const refresh = (): Promise<string> => wait().then(() => 'token')
      const cell = new Refreshable({ initial: 'old', refresh })
      const composed = agents[1].compose(refreshingInterceptor(cell, { origins: origin }))
      await all(async () => check(await request(composed, {})))
    }
    const { ratio } = await inTurn(15, cpuOf(byHand), cpuOf(throughInterceptor))
    return [
      {
        question: `CPU of a storm: ${CALLERS} calls rejected at once, through the undici interceptor`,
        figure: ratio,
        unit: '×',
        ceiling: 1.15,
        note: 'that of a retry by hand that reads the body of each 401',
      },
    ]
  } finally {
    await Promise.all(agents.map((agent) => agent.close()))
    server.kill()
  }
}

async function all(call: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: CALLERS }, call))
}

async function check({ statusCode, body: answer }: Dispatcher.ResponseData): Promise<void> {
  await answer.text()
  if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`)
}

function wait(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REFRESH_MS))
}

/** µs of this process, which the other processes of a busy machine do not change. */
function cpuOf(run: () => Promise<void>): () => Promise<number> {
  return async () => {
    const before = process.cpuUsage()
    for (let n = 0; n < STORMS; n++) await run()
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
}
