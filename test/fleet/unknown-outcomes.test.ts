// A host is cut off from Redis after it has sent its redemption, and before the answer: nobody else can know whether the refresh token is
// spent. What comes of it is for the authorization server to say. Of the four orders in which things can happen, two end with the family
// revoked, and no client could have prevented it.
import { describe, expect, test } from 'vitest'
import { has } from '../support/binaries.ts'
import { canNetwork } from '../support/network.ts'
import { asToken } from './fleet.ts'
import { CALLERS, clientsOf, failed, type Hosts, startHosts } from './hosts.ts'
import { untilServed } from './members.ts'

const isAble = (await canNetwork()) && (await has('redis-server', 'redis-server'))

const served: unknown = expect.objectContaining({ served: CALLERS })

/** All have a token, which expires. */
async function start(client: ReturnType<typeof clientsOf>[number]): Promise<Hosts> {
  const hosts = await startHosts(client)
  await hosts.round()
  hosts.server.expireAccessTokens()
  return hosts
}

/** A person logs in on a host: all are served, and what is in the store is of that login. */
async function expectLoginToServeAll({ server, hosts, store }: Hosts): Promise<void> {
  const before = await store.read('default')
  const login = await server.login()
  await hosts[2].tell({ do: 'login', token: asToken(login) })
  await Promise.all(hosts.map(untilServed))
  const after = await store.read('default')
  expect(after?.token).toEqual(asToken(login))
  expect(after?.revision).toBeGreaterThan(before?.revision ?? Infinity)
  server.expireAccessTokens()
  for (const host of hosts) expect(await host.tell({ do: 'round' })).toEqual(served)
  expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([1, 0, false])
}

describe.skipIf(!isAble)('given a host that is cut off from Redis during a redemption', () => {
  test.each(clientsOf(0))(
    '[S4] when its request was lost, then the next host, which is told that the lock was abandoned, refreshes, and the first makes no second try, by %s',
    async (client) => {
      const world = await start(client)
      const { server, arriving, login, hosts, cut, heal } = world
      const [a, b, c] = hosts
      arriving.hold(1)
      const cutOff = a.tell({ do: 'round' })
      await arriving.holding(1)
      await cut('a', 'redis')
      const others = await Promise.all([b.tell({ do: 'round' }), c.tell({ do: 'round' })])
      expect(others).toEqual([served, served])
      expect(others.reduce((sum, { abandoned }) => sum + abandoned, 0)).toBe(1)
      // The server is not well (503), so that the request may be made again: but not by one whose lock is lost.
      arriving.turnAway()
      expect(await cutOff).toEqual(failed('store_failed', /lock of the store was lost/u))
      await heal('a', 'redis')
      expect(await a.tell({ do: 'round' })).toEqual(served)
      expect([server.tokenRequests(), login.redemptions(), login.revoked()]).toEqual([2, 1, false])
    },
    180_000,
  )

  test.each(clientsOf(1))(
    '[S4, K4, K10] when a person logs in meanwhile, then the host uses the token of the earlier login, and that token does not replace the login, by %s',
    async (client) => {
      const world = await start(client)
      const { server, leaving, login, hosts, round, cut, heal, store } = world
      const [a, b] = hosts
      leaving.hold(1)
      const cutOff = a.tell({ do: 'round' })
      await leaving.holding(1)
      await cut('a', 'redis')
      const next = await server.login()
      await b.tell({ do: 'login', token: asToken(next) })
      const newer = await store.read('default')
      expect(newer?.token).toEqual(asToken(next))
      leaving.release()
      expect(await cutOff).toMatchObject({ served: CALLERS, status: { isUnsaved: true } })
      await heal('a', 'redis')
      // Where what is adopted has expired, too, the next call is served.
      server.expireAccessTokens()
      expect(await b.tell({ do: 'round' })).toEqual(served)
      expect(await round()).toEqual(hosts.map(() => served))
      expect((await a.tell({ do: 'round' })).status.isUnsaved).toBe(false)
      expect([login.redemptions(), next.redemptions()]).toEqual([1, 1])
      expect([login.revoked(), next.revoked()]).toEqual([false, false])
      expect((await store.read('default'))?.revision).toBeGreaterThan(newer?.revision ?? Infinity)
    },
    180_000,
  )

  test.each(clientsOf(2))(
    '[S4, S3] when its refresh token was redeemed, then the next host’s one try revokes the family, which cannot be avoided, and the error says so, by %s',
    async (client) => {
      const world = await start(client)
      const { server, leaving, login, hosts, cut, heal, store } = world
      const [a, b] = hosts
      const before = await store.read('default')
      leaving.hold(1)
      const cutOff = a.tell({ do: 'round' })
      await leaving.holding(1)
      await cut('a', 'redis')
      const told = await b.tell({ do: 'round' })
      expect(told).toEqual(failed('reauthentication_required', /may have been spent/u))
      expect(told.abandoned).toBe(1)
      expect([server.tokenRequests(), login.refused(), login.revoked()]).toEqual([2, 1, true])
      leaving.release()
      // What it received is dead by now, and it is the API that says so.
      expect(await cutOff).toMatchObject({ served: 0, status: { isUnsaved: true } })
      // The refusal is remembered beside the token, which stays.
      expect(await store.read('default')).toMatchObject({
        token: before?.token,
        failure: { code: 'reauthentication_required', terminal: true, abandoned: true },
      })
      await heal('a', 'redis')
      await expectLoginToServeAll(world)
    },
    180_000,
  )

  test.each(clientsOf(3))(
    '[S4, S3] when its refresh token is redeemed after the next host’s, then that revokes the family, which cannot be avoided, and all hosts say so, by %s',
    async (client) => {
      const world = await start(client)
      const { server, arriving, login, hosts, cut, heal, store } = world
      const [a, b, c] = hosts
      arriving.hold(1)
      const cutOff = a.tell({ do: 'round' })
      await arriving.holding(1)
      await cut('a', 'redis')
      const others = await Promise.all([b.tell({ do: 'round' }), c.tell({ do: 'round' })])
      expect(others).toEqual([served, served])
      const written = await store.read('default')
      expect([server.tokenRequests(), login.redemptions(), login.revoked()]).toEqual([2, 1, false])
      arriving.release()
      expect(await cutOff).toEqual(failed('reauthentication_required'))
      expect([login.refused(), login.revoked()]).toEqual([1, true])
      expect(await store.read('default')).toEqual(written)
      await heal('a', 'redis')
      expect(await b.tell({ do: 'round' })).toEqual(failed('reauthentication_required'))
      await expectLoginToServeAll(world)
    },
    180_000,
  )
})
