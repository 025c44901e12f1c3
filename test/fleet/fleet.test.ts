import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { SealingKey } from '../../src/stores/sealed/index.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'
import { asToken, startFleet } from './fleet.ts'
import type { Member } from './members.ts'
import type { Place } from './place.ts'
import { places } from './places.ts'

/** The trial: so many times 3 expiries, five times as many callers, and twice as many processes for what is done to a refresh. */
const more = Number(process.env['FLEETS'] ?? 1)
const isTrial = process.env['FLEETS'] !== undefined
const [CALLERS, EXPIRIES] = [isTrial ? 50 : 10, isTrial ? 3 * more : 2]
const size = { processes: 8, callers: CALLERS }
const smaller = { ...size, processes: isTrial ? 8 : 4 }
const rows = Object.entries(places)
const ok: unknown = expect.objectContaining({ served: CALLERS, failures: [] })

test.each(rows)(
  `[S1, S2, S3] given %s and 8 processes of ${CALLERS} callers, when tokens expire, then there is one redemption for each expiry, no failed caller and no revoked family`,
  async (_, make) => {
    const { server, login, members, round } = await startFleet(await make(), size)
    await round()
    for (let expiry = 1; expiry <= EXPIRIES; expiry++) {
      server.expireAccessTokens()
      expect(await round()).toEqual(members.map(() => ok))
      expect(login.redemptions()).toBe(expiry)
    }
    expect([login.refused(), login.revoked()]).toEqual([0, false])
  },
  180_000 * more,
)

// One client for each store. The trial: all.
test.each(rows.filter(([name]) => isTrial || !/node-redis|by pg/u.test(name)))(
  '[S1, K4, K10] given %s, when a write fails, or a login or a logout comes during a refresh, then no process adopts a spent token, and all processes follow',
  async (_, make) => {
    const { server, login, members, round, hold } = await startFleet(await make(), smaller)
    const [first, second, third] = members
    if (first === undefined || second === undefined || third === undefined) throw new Error('no members')
    // Where it is its own refresh that a login supersedes, the lock is free for a moment, and the spent token is redeemed again: by then it
    // belongs to nobody.
    const others = (one: Member): Member[] => members.filter((member) => member !== one)
    await round()

    // Whoever it is that refreshes, its first write fails.
    await Promise.all(members.map((member) => member.tell({ do: 'fail' })))
    server.expireAccessTokens()
    expect(await round()).toEqual(members.map(() => ok))
    expect(login.redemptions()).toBe(1)

    // Somebody logs in while a token of the login before is being issued. Whoever needs another one later gets that login's.
    server.expireAccessTokens()
    const next = await server.login()
    const held = hold()
    const served = Promise.all(others(first).map((member) => member.tell({ do: 'round' })))
    await held.asked
    const loggedIn = first.tell({ do: 'login', token: asToken(next) })
    held.letOn()
    await Promise.all([served, loggedIn])
    expect(login.redemptions()).toBe(2)
    server.expireAccessTokens()
    expect((await first.tell({ do: 'round' })).served).toBe(CALLERS)
    expect((await round()).map((told) => told.served)).toEqual(members.map(() => CALLERS))
    expect([login.redemptions(), next.redemptions()]).toEqual([2, 1])

    // Somebody logs out while a token is being issued: those who do not know yet learn it when they need another.
    server.expireAccessTokens()
    const again = hold()
    const cut = Promise.all(others(second).map((member) => member.tell({ do: 'round' })))
    await again.asked
    const loggedOut = second.tell({ do: 'logout' })
    again.letOn()
    await Promise.all([cut, loggedOut])
    expect((await second.tell({ do: 'round' })).served).toBe(0)
    server.expireAccessTokens()
    expect((await round()).map((told) => told.served)).toEqual(members.map(() => 0))

    const last = await server.login()
    await third.tell({ do: 'login', token: asToken(last) })
    await until(async () => (await round()).every(({ served: count }) => count === CALLERS))
    server.expireAccessTokens()
    expect((await round()).map((told) => told.served)).toEqual(members.map(() => CALLERS))
    expect(last.redemptions()).toBe(1)
    expect([server.refused(), login.revoked(), next.revoked(), last.revoked()]).toEqual([
      0,
      false,
      false,
      false,
    ])
  },
  180_000,
)

test('[S8] given a deployment that rotates the key of a sealed store, then processes with either key in front share an account', async () => {
  const newKey = (id: string): SealingKey => ({ id, secret: randomBytes(32).toString('base64') })
  const [older, newer] = [newKey('2025-11'), newKey('2026-11')]
  const keysOf = (n: number): SealingKey[] => (n % 2 === 0 ? [older, newer] : [newer, older])
  const place: Place = { kind: 'files', path: await temporaryFolder() }
  const { server, login, members, round } = await startFleet(place, { ...smaller, keysOf })
  await round()
  for (let expiry = 1; expiry <= EXPIRIES; expiry++) {
    server.expireAccessTokens()
    expect(await round()).toEqual(members.map(() => ok))
    expect(login.redemptions()).toBe(expiry)
  }
  expect([login.refused(), login.revoked()]).toEqual([0, false])
}, 180_000)
