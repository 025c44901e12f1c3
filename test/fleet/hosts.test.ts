import { describe, expect, test } from 'vitest'
import { has } from '../support/binaries.ts'
import { canNetwork } from '../support/network.ts'
import { CALLERS, clientsOf, failed, startHosts } from './hosts.ts'

const isAble = (await canNetwork()) && (await has('redis-server', 'redis-server'))

const ok: unknown = expect.objectContaining({ served: CALLERS, failures: [] })
const served: unknown = expect.objectContaining({ served: CALLERS })
describe.skipIf(!isAble)('three hosts', () => {
  test.each(clientsOf(0))(
    '[S1, S7] given a host that is cut off from Redis, then it uses its token, refreshes nothing, and recovers by itself, by %s',
    async (client) => {
      const { server, login, hosts, round, cut, heal } = await startHosts(client)
      const [a] = hosts
      expect(await round()).toEqual(hosts.map(() => ok))
      await cut('a', 'redis')
      expect(await a.tell({ do: 'round' })).toEqual(ok)
      server.expireAccessTokens()
      expect(await a.tell({ do: 'round' })).toEqual(failed('store_failed'))
      expect(server.tokenRequests()).toBe(0)
      await heal('a', 'redis')
      expect(await round()).toEqual(hosts.map(() => ok))
      expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([1, 0, false])
    },
    180_000,
  )

  test.each(clientsOf(1))(
    '[S1, S4, S7] given a host that is cut off from Redis between its lock and its request, then it sends no request, by %s',
    async (client) => {
      const { server, login, hosts, round, cut, heal } = await startHosts(client)
      const [a, b, c] = hosts
      await round()
      server.expireAccessTokens()
      const locked = a.tell({ do: 'stop', at: 'locked' })
      const cutOff = a.tell({ do: 'round' })
      await locked
      await cut('a', 'redis')
      const others = await Promise.all([b.tell({ do: 'round' }), c.tell({ do: 'round' })])
      expect(others).toEqual([ok, ok])
      expect(others.reduce((sum, { abandoned }) => sum + abandoned, 0)).toBe(1)
      await a.tell({ do: 'let on' })
      expect(await cutOff).toEqual(failed('store_failed'))
      await heal('a', 'redis')
      expect(await a.tell({ do: 'round' })).toEqual(served)
      expect([server.tokenRequests(), login.redemptions(), login.revoked()]).toEqual([1, 1, false])
    },
    180_000,
  )

  test.each(clientsOf(2))(
    '[S1, K3] given a host that is cut off from the authorization server, then another host refreshes, and the first one adopts the token, by %s',
    async (client) => {
      const { server, login, hosts, round, cut, heal } = await startHosts(client)
      const [a, b, c] = hosts
      await round()
      server.expireAccessTokens()
      await cut('a', 'auth')
      const locked = a.tell({ do: 'stop', at: 'locked' })
      const cutOff = a.tell({ do: 'round' })
      await locked
      const others = Promise.all([b.tell({ do: 'round' }), c.tell({ do: 'round' })])
      await a.tell({ do: 'let on' })
      expect(await cutOff).toEqual(failed('source_unreachable'))
      expect(await others).toEqual([served, served])
      expect(await a.tell({ do: 'round' })).toEqual(ok)
      await heal('a', 'auth')
      expect([server.tokenRequests(), login.redemptions(), login.revoked()]).toEqual([1, 1, false])
    },
    180_000,
  )

  test.each(clientsOf(3))(
    '[S4, K4] given a host that is cut off from Redis while it receives a token, then the token is used, kept, and written later, by %s',
    async (client) => {
      const { server, leaving, login, hosts, round, cut, heal, store } = await startHosts(client)
      const [a, b, c] = hosts
      await round()
      const before = await store.read('default')
      server.expireAccessTokens()
      leaving.hold(1)
      const cutOff = a.tell({ do: 'round' })
      await leaving.holding(1)
      await cut('a', 'redis')
      leaving.release()
      const told = await cutOff
      expect(told).toMatchObject({ served: CALLERS, status: { isUnsaved: true } })
      expect(told.failures).toEqual(['persist_failed store_failed'])
      expect(await store.read('default')).toEqual(before)
      const persisted = a.tell({ do: 'watch', for: 'persisted' })
      await heal('a', 'redis')
      expect((await persisted).status.isUnsaved).toBe(false)
      expect(await Promise.all([b.tell({ do: 'round' }), c.tell({ do: 'round' })])).toEqual([ok, ok])
      expect([login.redemptions(), login.refused(), login.revoked()]).toEqual([1, 0, false])
    },
    180_000,
  )
})
