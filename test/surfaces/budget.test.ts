// One budget of refreshes, whatever surface the calls go through.
import { createServer, type Server } from 'node:http'
import { Agent } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Refreshable, refreshingFetch } from '../../src/index.ts'
import { refreshingModel } from '../../src/surfaces/ai-sdk/index.ts'
import { refreshingInterceptor } from '../../src/surfaces/undici/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { apiError, CALL, Remote } from './ai-sdk/refreshing-remote.ts'

let server: Server
let agent: Agent
let origin: string
/** The token that is good; some endpoints reject that one, too. */
let good = 1

beforeEach(async () => {
  good = 1
  agent = new Agent()
  server = createServer(({ headers, url = '' }, response) => {
    const isGood = headers.authorization === `Bearer token-${good}` && !url.startsWith('/bad')
    response.writeHead(isGood ? 200 : 401).end(isGood ? 'yes' : 'no')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
})

afterEach(async () => {
  await agent.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Calls an endpoint, and gives the status that the caller sees. */
type Through = (endpoint: string) => Promise<number>

function cellOf() {
  const clock = new ManualClock()
  const count = { refreshes: 0 }
  const cell = new Refreshable({
    initial: 'token-1',
    clock,
    refresh: async () => {
      count.refreshes++
      return `token-${++good}`
    },
  })
  return { clock, count, cell }
}

const SURFACES: Record<string, (cell: Refreshable<string>) => Through> = {
  fetch: (cell) => {
    const call = refreshingFetch(cell, { origins: origin })
    return async (endpoint) => {
      const response = await call(origin + endpoint)
      await response.text()
      return response.status
    }
  },
  undici: (cell) => {
    const composed = agent.compose(refreshingInterceptor(cell, { origins: origin }))
    return async (path) => {
      const { statusCode, body } = await composed.request({ origin, path, method: 'GET' })
      await body.text()
      return statusCode
    }
  },
  'the AI SDK': (cell) => {
    const remote = new Remote(({ token, method }) => {
      if (method === 'doStream' || token !== `token-${good}`) throw apiError(401)
      return { content: [], finishReason: 'stop', usage: {}, warnings: [] }
    })
    // A model has two endpoints: that for calls, and that for streams.
    const models = cell.map((token) => remote.model(token))
    const model = refreshingModel(remote.model('token-1'), models)
    return async (endpoint) => {
      const calling = endpoint.startsWith('/bad') ? model.doStream(CALL) : model.doGenerate(CALL)
      return Promise.resolve(calling).then(
        () => 200,
        () => 401,
      )
    }
  },
}

const BAD = {
  'one endpoint': () => '/bad',
  '200 endpoints with ids in their paths': (n: number) => `/bad/${n}?q=${n}`,
}

const CASES = Object.keys(SURFACES).flatMap((surface) =>
  Object.keys(BAD).flatMap((bad) => [0, 432_000].map((pace) => [surface, bad, pace] as const)),
)

test.each(CASES)(
  '[C16] given %s, and %s that always reject beside a good one, when 200 calls are made in turn, %i ms apart, then at most 8 refreshes are made, and the good one refreshes at once when the token dies',
  async (surface, bad, pace) => {
    const { clock, count, cell } = cellOf()
    const call = SURFACES[surface]?.(cell)
    const endpoint = Object.entries(BAD).find(([name]) => name === bad)?.[1]
    if (call === undefined || endpoint === undefined) throw new Error('no such case')
    for (let n = 0; n < 100; n++) {
      expect(await call(endpoint(n))).toBe(401)
      expect(await call('/good')).toBe(200)
      clock.jump(pace)
    }
    expect(count.refreshes).toBeGreaterThan(0)
    expect(count.refreshes).toBeLessThanOrEqual(8)

    const before = count.refreshes
    good++
    expect(await call('/good')).toBe(200)
    expect(count.refreshes).toBe(before + 1)
  },
)
