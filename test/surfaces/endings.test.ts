import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import nodeFetch, { type RequestInit as NodeInit } from 'node-fetch'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refreshable, refreshingFetch } from '../../src/index.ts'
import { refreshingInterceptor } from '../../src/surfaces/undici/index.ts'

/** Each call is made without us and through us, and has to end alike. */

const agents: Agent[] = []
let server: Server
let origin: string
let reached: () => void = () => undefined

beforeAll(async () => {
  server = createServer((incoming, response) => {
    incoming.on('error', () => undefined)
    incoming.once('data', () => ENDINGS[incoming.url ?? '']?.(incoming, response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.destroy()))
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** What the server does once the first piece of a body has come, by path. */
const ENDINGS: Record<string, (incoming: IncomingMessage, response: ServerResponse) => unknown> = {
  '/silent': () => reached(),
  '/resets': (incoming) => incoming.socket.destroy(),
  '/answers': (_, response) => response.end('early'),
  '/fails': (_, response) => response.writeHead(500).end('early'),
}

/** A body, and what it has heard. */
interface Given {
  readonly body: unknown
  readonly heard: string[]
}

const PIECE = new TextEncoder().encode('piece')

/** Gives one piece, and is never done. */
const BODIES: Record<string, () => Given> = {
  'a stream of Node’s': () => {
    const heard: string[] = []
    let left = 1
    const body = new Readable({
      read(): void {
        if (left-- > 0) this.push(PIECE)
      },
    })
    body.on('error', (error) => heard.push(`error: ${told(error)}`)).on('close', () => heard.push('close'))
    return { body, heard }
  },
  'a web stream': () => {
    const heard: string[] = []
    let left = 1
    const pull = (controller: ReadableStreamDefaultController): Promise<void> | undefined => {
      if (left-- <= 0) return new Promise(() => undefined)
      controller.enqueue(PIECE)
      return undefined
    }
    const cancel = (reason: unknown): void => void heard.push(`cancel: ${told(reason)}`)
    return { body: new ReadableStream({ pull, cancel }, { highWaterMark: 0 }), heard }
  },
}

type Client = (url: string, body: unknown, signal: AbortSignal, isOurs: boolean) => Promise<string>

const CLIENTS: Record<string, Client> = {
  undici: async (url, body, signal, isOurs) => {
    const agent = new Agent()
    agents.push(agent)
    const through = refreshingInterceptor(token(), { origins: new URL(url).origin })
    const dispatcher = isOurs ? agent.compose(through) : agent
    const post = { method: 'POST', body: body as Readable, signal, dispatcher } as const
    const { statusCode, body: answer } = await request(url, post)
    return `${statusCode} ${await answer.text()}`
  },
  fetch: async (url, body, signal, isOurs) => {
    const init = { method: 'POST', body, signal, duplex: 'half' } as RequestInit
    const response = await (isOurs ? over(url, globalThis.fetch) : globalThis.fetch)(url, init)
    return `${response.status} ${await response.text()}`
  },
  'fetch with a Request': async (url, body, signal, isOurs) => {
    const made = new Request(url, { method: 'POST', body, signal, duplex: 'half' } as RequestInit)
    const response = await (isOurs ? over(url, globalThis.fetch) : globalThis.fetch)(made)
    return `${response.status} ${await response.text()}`
  },
  'node-fetch': async (url, body, signal, isOurs) => {
    const beneath = ((to: string, init: NodeInit) => nodeFetch(to, init)) as unknown as typeof fetch
    const init = { method: 'POST', body, signal } as RequestInit
    const response = await (isOurs ? over(url, beneath) : beneath)(url, init)
    return `${response.status} ${await response.text()}`
  },
}

const token = (): Refreshable<string> => new Refreshable({ initial: 'good', refresh: async () => 'good' })

function over(url: string, beneath: typeof fetch): typeof fetch {
  return refreshingFetch(token(), { origins: new URL(url).origin, fetch: beneath })
}

/** How a call ends, and what its body hears. */
async function ending(client: Client, body: Given, how: string, isOurs: boolean): Promise<unknown> {
  const leaving = new AbortController()
  if (how === 'aborted before') leaving.abort(new Error('The user left.'))
  const arrived = new Promise<void>((resolve) => (reached = resolve))
  const path = how.startsWith('/') ? how : '/silent'
  // Port 1 of loopback: nobody listens there.
  const url = how === 'refused' ? 'http://127.0.0.1:1/' : origin + path
  const call = client(url, body.body, leaving.signal, isOurs).catch(told)
  if (how === 'aborted at once') leaving.abort(new Error('The user left.'))
  if (how === 'aborted later') {
    await arrived
    leaving.abort(new Error('The user left.'))
  }
  const result = await call
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
  return { result, heard: body.heard }
}

/** Without what differs from one connection to the next. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { name, message, cause } = error
  const because = cause === undefined ? '' : ` because of ${told(cause)}`
  return `${name}: ${message.replaceAll(/127\.0\.0\.1:\d+/g, '')}${because}`
}

const HOW = [
  'aborted before',
  'aborted at once',
  'aborted later',
  'refused',
  ...Object.keys(ENDINGS).slice(1),
]

describe.each(Object.keys(CLIENTS))('%s', (name) => {
  const bodies = name === 'node-fetch' ? Object.keys(BODIES).slice(0, 1) : Object.keys(BODIES)
  test.each(bodies.flatMap((body) => HOW.map((how) => [body, how])))(
    '[F12] given %s, when the call is %s, then it ends as without us',
    async (kind, how) => {
      const client = CLIENTS[name]
      const make = BODIES[kind]
      if (client === undefined || make === undefined) throw new Error('unknown')
      const bare = await ending(client, make(), how, false)
      expect(await ending(client, make(), how, true)).toEqual(bare)
    },
  )
})
