import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Refreshable, refreshingFetch } from '../../../src/index.ts'

let server: Server
let origin: string
/** Each settles when a response is over, or its socket is closed. */
const closed: Promise<void>[] = []
let reached: (moment: string) => void = () => undefined
const unhandled: unknown[] = []
const note = (error: unknown): void => void unhandled.push(error)

beforeAll(() => process.on('unhandledRejection', note))
afterAll(() => process.off('unhandledRejection', note))

beforeEach(async () => {
  unhandled.length = 0
  closed.length = 0
  server = createServer((request, response) => {
    const isStale = request.headers.authorization !== 'Bearer fresh'
    void answer(response, isStale ? 'rejected' : 'second', isStale)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Each step takes a turn of the event loop, so that the caller can act between two. */
async function answer(response: ServerResponse, which: string, isStale: boolean): Promise<void> {
  const type = isStale ? 'application/json' : 'text/event-stream'
  const pieces = isStale ? ['{"error":', '"expired"}'] : [': hello\n\n', 'data: {"one":1}\n\n', 'data: 2\n\n']
  response.on('error', () => undefined)
  closed.push(new Promise((resolve) => response.on('close', resolve)))
  reached(`${which}: request`)
  await turn()
  response.writeHead(isStale ? 401 : 200, { 'content-type': type }).flushHeaders()
  reached(`${which}: head`)
  for (const [at, piece] of pieces.entries()) {
    await turn()
    response.write(piece)
    reached(`${which}: piece ${at}`)
  }
  await turn()
  response.end()
  reached(`${which}: end`)
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const MOMENTS = [
  'before',
  'at once',
  ...['request', 'head', 'piece 0', 'piece 1', 'end'].map((name) => `rejected: ${name}`),
  'refresh: begin',
  'refresh: end',
  ...['request', 'head', 'piece 0', 'piece 1', 'piece 2', 'end'].map((name) => `second: ${name}`),
]

test.each(
  MOMENTS.flatMap((moment) => [false, true].map((inspectStreams) => [moment, inspectStreams] as const)),
)(
  '[F8] given an abort at this moment: %s, inspection of streams %s, when it comes, then the call ends with its reason or whole, nothing is unhandled, and no socket is left',
  async (moment, inspectStreams) => {
    for (const later of [(abort: () => void) => abort(), queueMicrotask, setImmediate]) {
      const controller = new AbortController()
      const reason = new Error('left')
      const abort = (): void => controller.abort(reason)
      reached = (name) => {
        if (name === moment) later(abort)
      }
      const cell = new Refreshable({
        initial: 'stale',
        refresh: async () => {
          reached('refresh: begin')
          await turn()
          reached('refresh: end')
          return 'fresh'
        },
      })
      const call = refreshingFetch(cell, { origins: origin, inspectStreams })
      if (moment === 'before') abort()
      const calling = call(origin, { method: 'POST', body: 'hello', signal: controller.signal })
      if (moment === 'at once') later(abort)
      const outcome = await calling
        .then((response) => response.text())
        .then(
          (text) => text,
          (error: unknown) => error,
        )
      if (outcome !== reason) expect(outcome).toBe(': hello\n\ndata: {"one":1}\n\ndata: 2\n\n')
      if (moment === 'before') expect(outcome).toBe(reason)
      await turn()
    }
    reached = () => undefined
    // Aborted requests close their sockets; what is idle is the pool's.
    await Promise.all(closed)
    expect(unhandled).toEqual([])
  },
)
