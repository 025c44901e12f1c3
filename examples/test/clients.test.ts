import { inspect } from 'node:util'
import { RefreshError } from 'llm-refresh'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SAID } from '../clients/client.ts'
import { clients } from '../clients/table.ts'
import { Countdown } from './countdown.ts'
import { type Opened, startWorld, type World } from './world.ts'

const LOGIN_ENDED = new RefreshError('reauthentication_required', 'The login has ended.')

async function collected(pieces: AsyncIterable<string>): Promise<string> {
  let said = ''
  for await (const piece of pieces) said += piece
  return said
}

describe.each(clients)('$name', (client) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(client)
  })
  afterEach(() => {
    world.refuse('status')
    world.refusals.release()
    world.streams.release()
    world.redemptions.release()
  })
  afterAll(() => world.close())

  /** All calls and streams of the client, as calls, each with its expected text. */
  function everything({
    calls,
    streams,
  }: Opened): { name: string; call: () => Promise<string>; says: string }[] {
    expect([Object.keys(calls), Object.keys(streams)]).toEqual([Object.keys(client.calls), client.streams])
    return [
      ...Object.entries(calls).map(([name, call]) => ({ name, call, says: client.calls[name] ?? '' })),
      ...streaming({ streams }),
    ]
  }

  function streaming({ streams }: Pick<Opened, 'streams'>): ReturnType<typeof everything> {
    return Object.entries(streams).map(([name, stream]) => ({
      name: `${name}, streaming`,
      call: () => collected(stream()),
      says: SAID,
    }))
  }

  /** Expects `count` redemptions, none of them refused, and a login that the server has not revoked. */
  function expectRedemptions({ login }: Opened, count: number): void {
    expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([count, 0, false])
  }

  test('[F7, M1] whatever is called after the token expired is answered as before, after one refresh', async () => {
    const opened = await world.open()
    for (const { name, call, says } of everything(opened)) {
      expect([name, await call()]).toEqual([name, says])
      const [redemptions, rejections] = [opened.login.redemptions(), world.rejections()]
      world.expire()
      expect([name, await call()]).toEqual([name, says])
      expect([name, world.rejections() - rejections]).toEqual([name, 1])
      expectRedemptions(opened, redemptions + 1)
    }
  })

  test('[F7, M1, C3] 100 calls are in flight when the token expires, and are turned away at different times: one refresh', async () => {
    const opened = await world.open()
    const all = everything(opened)
    const rejections = world.rejections()
    world.expire()
    world.refusals.hold(100)
    const done = new Countdown()
    const calls = Array.from({ length: 100 }, (_, index) => all[index % all.length]).flatMap(
      (each) => each ?? [],
    )
    const answers = Promise.all(calls.map(({ call }) => call().finally(() => done.count())))
    await world.refusals.holding(100)
    // The server rejects some calls before the refresh is over, some after it, and some after other calls have got their response.
    world.redemptions.hold(1)
    world.refusals.release(30)
    await opened.rejected.reached(30)
    await world.redemptions.holding(1)
    world.redemptions.release()
    await done.reached(30)
    world.refusals.release(40)
    await done.reached(70)
    world.refusals.release()
    expect(await answers).toEqual(calls.map(({ says }) => says))
    expect(world.rejections() - rejections).toBe(100)
    expectRedemptions(opened, 1)
  })

  test('[F7, M1, C2] a call that is turned away when the refresh is long over, and the next one too, refreshes nothing', async () => {
    const opened = await world.open()
    const [{ call, says } = expect.fail()] = everything(opened)
    world.expire()
    world.refusals.hold(1)
    const late = call()
    await world.refusals.holding(1)
    expect(await call()).toBe(says)
    world.expire()
    expect(await call()).toBe(says)
    expectRedemptions(opened, 2)
    world.refusals.release()
    expect(await late).toBe(says)
    expect(await call()).toBe(says)
    expectRedemptions(opened, 2)
  })

  test.each(client.streams)(
    '[F7, M1] %s: a stream that runs when the token expires goes on to its end; the next one is refreshed',
    async (name) => {
      const opened = await world.open()
      const stream = opened.streams[name] ?? expect.fail()
      world.streams.hold(1)
      const pieces = stream()[Symbol.asyncIterator]()
      let said = ''
      while (said === '') said += (await pieces.next()).value ?? expect.fail()
      await world.streams.holding(1)
      world.expire()
      world.streams.release()
      expect(said).not.toBe(SAID)
      expect(said + (await collected({ [Symbol.asyncIterator]: () => pieces }))).toBe(SAID)
      expectRedemptions(opened, 0)
      expect(await collected(stream())).toBe(SAID)
      expectRedemptions(opened, 1)
    },
  )

  if (client.server === 'llm')
    test('[F7, F5, M3] a stream that begins with an authentication error is opened anew, after one refresh', async () => {
      const opened = await world.open({ inspectStreams: true })
      for (const how of ['first_event', 'failed_response'] as const) {
        // Not every model of the AI SDK reports a failed response.
        if (how === 'failed_response' && client.takes === 'model') break
        world.refuse(how)
        for (const { name, call, says } of streaming(opened)) {
          const [redemptions, requests] = [opened.login.redemptions(), world.requests()]
          world.expire()
          expect([name, await call()]).toEqual([name, says])
          expect([name, world.requests() - requests]).toEqual([name, 2])
          expectRedemptions(opened, redemptions + 1)
        }
      }
    })

  if (client.server === 'llm')
    test('[F7, F5, M3] a stream that has an authentication error after content is not repeated: the client gets the content, then its own error', async () => {
      const opened = await world.open({ inspectStreams: true })
      world.refuse('after_content')
      world.expire()
      for (const [name, stream] of Object.entries(opened.streams)) {
        const requests = world.requests()
        let said = ''
        const read = async (): Promise<void> => {
          for await (const piece of stream()) said += piece
        }
        const error: unknown = await read().catch((reason: unknown) => reason)
        expect([name, opened.isBroken(error)], inspect(error)).toEqual([name, true])
        expect(inspect(error, { depth: 6 })).toMatch(/expired|invalid authentication credentials/)
        expect(said).not.toBe('')
        expect(SAID).toMatch(new RegExp(`^${said}.`))
        expect([name, world.requests() - requests]).toEqual([name, 1])
        expectRedemptions(opened, 0)
      }
    })

  test('[F7, M1] where the refresh fails, each call ends with the client’s own error for a refused credential, at once', async () => {
    const opened = await world.open({ failure: LOGIN_ENDED })
    world.expire()
    for (const { name, call } of everything(opened)) {
      const [requests, asked] = [world.requests(), opened.asked()]
      const error: unknown = await call().catch((reason: unknown) => reason)
      expect([name, opened.isRefusal(error)], inspect(error)).toEqual([name, true])
      const { [name]: insisted = 1 } = client.insists ?? {}
      expect([name, world.requests() - requests]).toEqual([name, insisted])
      expect(opened.asked() - asked).toBeLessThanOrEqual(insisted)
    }
  })

  if (client.takes !== 'model')
    test('[F7, F6] without a token, and with none to be had, each call ends with the client’s own error for a refused credential, and nothing is sent', async () => {
      const requests = world.requests()
      const opened = await world.open({ failure: LOGIN_ENDED, without: 'token' })
      for (const { name, call } of everything(opened)) {
        const asked = opened.asked()
        const error: unknown = await call().catch((reason: unknown) => reason)
        expect([name, opened.isRefusal(error)], inspect(error)).toEqual([name, true])
        expect([name, inspect(error, { depth: 6 })]).toEqual([
          name,
          expect.stringContaining(LOGIN_ENDED.code),
        ])
        expect(opened.asked() - asked).toBeLessThanOrEqual(client.insists?.[name] ?? 1)
      }
      expect(world.requests() - requests).toBe(0)
    })
})
