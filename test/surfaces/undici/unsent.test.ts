import { Readable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { Refreshable } from '../../../src/index.ts'
import { refreshingInterceptor } from '../../../src/surfaces/undici/index.ts'
import { responder } from '../../support/responder.ts'
import { settled } from '../../support/settled.ts'
import { broken } from '../fetch/cells.ts'
import { closeAgents, refreshed } from './agents.ts'
import { Listener, scripted } from './scripted.ts'

const ORIGIN = 'https://a.example'

afterEach(closeAgents)

/** Bodies that hold something open, and how often each was let go of. */
function bodies(): { each: [string, unknown, () => number][] } {
  const stream = new Readable({ read: () => undefined })
  let cancels = 0
  const web = new ReadableStream({
    cancel: () => {
      cancels++
    },
  })
  let returns = 0
  const iterator = {
    next: () => new Promise(() => undefined),
    return: async () => ({ done: true, value: returns++ }),
    [Symbol.asyncIterator]: () => iterator,
  }
  return {
    each: [
      ['Node’s stream', stream, () => Number(stream.destroyed)],
      ['a web stream', web, () => cancels],
      ['an iterator', iterator, () => returns],
    ],
  }
}

const NAMES = bodies().each.map(([name], at) => [name, at] as const)

test.each(NAMES)(
  '[F2, F6] given no credential, when the body of a request is %s, then the body is discarded',
  async (_, at) => {
    const [, body, left] = bodies().each[at] ?? []
    const dispatcher = refreshed(broken().cell, { origins: ORIGIN })
    const answer = await dispatcher.request({
      origin: ORIGIN,
      path: '/',
      method: 'POST',
      body: body as Readable,
    })
    expect([answer.statusCode, left?.()]).toEqual([401, 1])
    await answer.body.dump()
  },
)

test.each(NAMES)(
  '[F2, C4] given a caller that has left, when the body of its request is %s, then the body is discarded',
  async (_, at) => {
    for (const leaves of ['in start', 'later', 'by throwing']) {
      const [, body, left] = bodies().each[at] ?? []
      const source = responder<string>()
      const { dispatch, sent } = scripted()
      const dispatching = refreshingInterceptor(new Refreshable({ refresh: source.refresh }), {
        origins: ORIGIN,
      })(dispatch)
      const reason = new Error('The user left.')
      const listener = new Listener({
        start: () => {
          if (leaves === 'in start') listener.controller?.abort(reason)
          if (leaves === 'by throwing') throw reason
        },
      })
      dispatching({ origin: ORIGIN, path: '/', method: 'POST', body }, listener)
      await settled()
      expect(left?.()).toBe(leaves === 'later' ? 0 : 1)
      if (leaves === 'later') listener.controller?.abort(reason)
      await settled()
      expect([left?.(), listener.error, sent.length]).toEqual([1, reason, 0])
    }
  },
)
