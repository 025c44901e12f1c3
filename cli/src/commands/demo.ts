import { setTimeout as delay } from 'node:timers/promises'
import type { TestServers } from 'llm-refresh/testing'
import { EXIT } from '../lib/fault.ts'
import { jsonOf, paint, print, printable } from '../lib/output.ts'

export interface DemoOptions {
  readonly json?: boolean
}

/** The result of one step of the demo. */
interface Step {
  readonly event: string
  readonly [fact: string]: unknown
}

/** What the servers counted during a step. */
interface Traffic {
  readonly rejected: number
  readonly refreshes: number
}

const [ROUNDS, CALLERS] = [3, 20]
/** How long, in ms, a person needs to read a line. */
const READING = 700
const ANSWER = 'A refresh token is a slip that you hand in for a new ticket, and it works once.'

/** Shows how one refresh serves many callers. The servers run in this process: no request leaves the machine, and nothing is stored. */
export async function demo({ json }: DemoOptions): Promise<number> {
  const isForPerson = process.stdout.isTTY && json !== true
  const tell = async (step: Step, line: string): Promise<void> => {
    await print(isForPerson ? line : jsonOf(step))
    if (isForPerson) await delay(READING)
  }
  const { startTestServers } = await import('llm-refresh/testing')
  const servers = await startTestServers({ answer: ANSWER })
  try {
    return await show(servers, tell)
  } finally {
    await servers.close()
  }
}

async function show(
  servers: TestServers,
  tell: (step: Step, line: string) => Promise<void>,
): Promise<number> {
  const [{ createCredential }, { createProxy, createProxyKey }] = await Promise.all([
    import('llm-refresh'),
    import('llm-refresh/proxy'),
  ])
  const { key, entry } = createProxyKey({ name: 'demo', preset: 'openai' })
  const credential = createCredential({ source: servers.source })
  const remedy = 'Run: llm-refresh login demo'
  const route = { to: servers.baseURL, credential, preset: 'openai' as const, remedy }
  const proxy = createProxy({ keys: [entry], routes: { demo: route } })
  const during = async <T>(act: () => Promise<T>): Promise<T & Traffic> => {
    const { rejected, tokenRequests } = servers.counts
    const result = await act()
    const { counts } = servers
    return {
      ...result,
      rejected: counts.rejected - rejected,
      refreshes: counts.tokenRequests - tokenRequests,
    }
  }
  try {
    const { url } = await proxy.listen()
    const base = `${url}/demo`
    await tell(
      { event: 'started', callers: CALLERS, url: base },
      `A token server and a model server run in this process. ${CALLERS} callers know only a proxy,\n${base}, and a placeholder key. The token is the proxy's to care for.`,
    )
    // The first call gets the first token.
    await ask(base, key, false)
    let isGood = true
    for (let round = 1; round <= ROUNDS; round++) {
      servers.expireTokens()
      const { answered, rejected, refreshes } = await during(() => callAll(base, key))
      isGood &&= answered === CALLERS && refreshes === 1
      await tell(
        { event: 'round', round, calls: CALLERS, answered, rejected, refreshes },
        `${paint('bold', `Expiry ${round}:`)} ${CALLERS} calls at once · the model server rejected ${rejected} · ${paint('green', `${refreshes} refresh · ${answered} answers`)}`,
      )
    }
    servers.expireTokens()
    const stream = await during(() => read(base, key))
    isGood &&= stream.text === ANSWER
    await tell(
      { event: 'stream', ...stream },
      `${paint('bold', 'A stream:')} rejected once, refreshed, sent again: ${printable(stream.text)}`,
    )
    servers.expireTokens()
    servers.revokeLogins()
    const ended = await during(() => callAll(base, key))
    isGood &&= ended.answered === 0 && ended.refreshes === 1
    await tell(
      { event: 'login_ended', calls: CALLERS, ...ended },
      `${paint('bold', 'The login ends')} at the server: ${ended.refreshes} request to it, and each caller reads what mends it:\n${paint('yellow', printable(ended.says ?? ''))}`,
    )
    const { calls, rejected, tokenRequests } = servers.counts
    await tell(
      { event: 'done', ok: isGood, calls, rejected, tokenRequests },
      `${calls} requests to the model server, ${rejected} rejected, ${tokenRequests} requests for a token. Your own: llm-refresh login --help`,
    )
    return isGood ? EXIT.done : EXIT.failed
  } finally {
    await proxy.close()
  }
}

async function callAll(base: string, key: string): Promise<{ answered: number; says: string | undefined }> {
  const bodies = await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      const response = await ask(base, key, false)
      const body: unknown = await response.json()
      return { isOk: response.ok, body }
    }),
  )
  const refused = bodies.find(({ isOk }) => !isOk)
  const error: unknown = Reflect.get(Object(refused?.body), 'error')
  const says: unknown = Reflect.get(Object(error), 'message')
  return {
    answered: bodies.filter(({ isOk }) => isOk).length,
    says: typeof says === 'string' ? says : undefined,
  }
}

/** Reads a stream's text, as a vendor's client does. */
async function read(base: string, key: string): Promise<{ text: string }> {
  const response = await ask(base, key, true)
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: {'))
  const pieces = lines.map((line) => {
    const chunk: unknown = JSON.parse(line.slice('data: '.length))
    const content = ['choices', '0', 'delta', 'content'].reduce<unknown>(
      (value, field) => Reflect.get(Object(value), field),
      chunk,
    )
    return typeof content === 'string' ? content : ''
  })
  return { text: pieces.join('') }
}

function ask(base: string, key: string, stream: boolean): Promise<Response> {
  const messages = [{ role: 'user', content: 'What is a refresh token?' }]
  return fetch(`${base}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'demo', messages, stream }),
  })
}
