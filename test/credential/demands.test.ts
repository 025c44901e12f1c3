import { expect, test } from 'vitest'
import { createCredential, type RefreshEvent } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { Gate } from '../support/gate.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** ms: longer than any pause after a refusal. */
const PAUSE = 5_000

const insufficient = (scope: string): string => `Bearer error="insufficient_scope", scope="${scope}"`

/** A client that needs no person, at a token endpoint that grants what the test allows, when the test lets it respond. */
async function startMachine() {
  const clock = new ManualClock()
  const events: RefreshEvent[] = []
  const asked: string[] = []
  const granted = new Set(['read'])
  const gate = new Gate()
  let issued = 0
  const fetch: typeof globalThis.fetch = async (url, init) => {
    const scope = new URLSearchParams(await new Request(url, init).text()).get('scope') ?? ''
    asked.push(scope)
    await gate.pass()
    if (!scope.split(' ').every((name) => granted.has(name))) {
      return Response.json({ error: 'invalid_scope' }, { status: 400 })
    }
    return Response.json({ access_token: `t${++issued}`, token_type: 'Bearer', scope })
  }
  const credential = createCredential({
    source: oauth({
      tokenEndpoint: 'https://auth.example.com/token',
      clientId: 'app',
      clientSecret: 'secret',
      grant: 'client_credentials',
      scope: 'read',
      fetch,
      clock,
    }),
    clock,
    onEvent: (event) => events.push(event),
  })
  await credential.snapshot()
  return {
    credential,
    clock,
    granted,
    asked,
    gate,
    told: () => events.filter((event) => event.type === 'scope_demanded'),
    /** A call that the server refuses for want of a scope. @returns the scope of the token for its second attempt */
    demand: async (scope: string) =>
      (await credential.demand?.(await credential.snapshot(), insufficient(scope)))?.value.scope,
    /** A token that did its work is rejected. @returns the scope of the next one */
    refresh: async () => {
      const worked = await credential.snapshot()
      credential.accepted(worked)
      return (await credential.refresh(worked)).value.scope
    },
  }
}

test('[A7, A13] given a refresh that runs, when a scope is demanded, then the scope is requested after that refresh', async () => {
  const { credential, asked, granted, gate } = await startMachine()
  granted.add('write')
  const lacking = await credential.snapshot()
  gate.hold(1)
  const refreshing = credential.refresh(lacking)
  await gate.holding(1)
  const demanded = credential.demand?.(lacking, insufficient('write'))
  gate.release()
  await refreshing
  expect((await demanded)?.value.scope).toBe('read write')
  expect(asked).toEqual(['read', 'read', 'read write'])
})

test('[A7, A13] given two scopes that are demanded at once, when one is refused, then the other is granted, now and in later refreshes', async () => {
  const { asked, granted, clock, demand, refresh } = await startMachine()
  granted.add('write')
  expect(await Promise.all([demand('admin'), demand('write')])).toEqual([undefined, undefined])
  clock.tick(PAUSE)
  expect(await demand('write')).toBe('read write')
  expect(await demand('admin')).toBeUndefined()
  expect(await refresh()).toBe('read write')
  expect(asked).toEqual(['read', 'read admin', 'read write', 'read write'])
})

test('[A7] given two scopes that are demanded at once and granted, then each is requested, and the token in force has both', async () => {
  const { credential, asked, granted, demand } = await startMachine()
  granted.add('write').add('admin')
  expect(await Promise.all([demand('write'), demand('admin')])).toEqual(['read write', 'read write admin'])
  expect(asked).toEqual(['read', 'read write', 'read write admin'])
  expect(credential.peek()?.generation).toBe(3)
})

test('[A7, A13] given a pause after a failure, when a scope is demanded in it, then the next call requests the scope', async () => {
  const { credential, asked, granted, clock, demand, told } = await startMachine()
  granted.delete('read')
  await expect(credential.refresh(await credential.snapshot())).rejects.toMatchObject({
    code: 'source_refused',
  })
  granted.add('read').add('write')
  expect(await demand('write')).toBeUndefined()
  expect(asked).toEqual(['read', 'read'])
  clock.tick(PAUSE)
  expect(await demand('write')).toBe('read write')
  expect(told().map(({ scope, reason }) => [scope, reason])).toEqual([
    ['write', undefined],
    ['write', undefined],
  ])
})

test('[A7, A13] given a demanded scope that was granted, when the endpoint refuses it later, then the refresh goes on with the configured scope', async () => {
  const { asked, granted, demand, refresh } = await startMachine()
  granted.add('write')
  expect(await demand('write')).toBe('read write')
  granted.delete('write')
  expect(await refresh()).toBe('read')
  expect(await refresh()).toBe('read')
  expect(asked).toEqual(['read', 'read write', 'read write', 'read', 'read'])
})

test('[A7] given the scopes of a demand in another order, or twice, then they are requested once', async () => {
  const { credential, asked, granted, told } = await startMachine()
  granted.add('a').add('b')
  // Two servers of one credential, too: the endpoint is the same.
  for (const scope of ['a b', 'b a', ' a  b a ']) {
    await credential.demand?.(await credential.snapshot(), insufficient(scope))
  }
  expect([asked, told().length]).toEqual([['read', 'read a b'], 1])
})

test('[A7] given 1,000 demands of different scopes, then 16 are requested, and one event says that there will be no more until the next login', async () => {
  const { credential, asked, granted, told } = await startMachine()
  const names = Array.from({ length: 1_000 }, (_, n) => `s${n}`)
  for (const name of names) {
    granted.add(name)
    await credential.demand?.(await credential.snapshot(), insufficient(name))
  }
  expect(asked.length).toBe(17)
  expect(told().slice(16)).toEqual([
    expect.objectContaining({ scope: 's16', reason: expect.objectContaining({ code: 'source_refused' }) }),
  ])
  await credential.login({ accessToken: 'new' })
  expect(
    (await credential.demand?.(await credential.snapshot(), insufficient('s16')))?.value.scope,
  ).toContain('s16')
})

test('[A7, C11] given a demand that waits for its turn, when a login comes, then the login is in force, and the scope is not requested', async () => {
  const { credential, asked, granted, gate } = await startMachine()
  granted.add('write').add('admin')
  const lacking = await credential.snapshot()
  gate.hold(1)
  const first = credential.demand?.(lacking, insufficient('write'))
  const second = credential.demand?.(lacking, insufficient('admin'))
  await gate.holding(1)
  await credential.login({ accessToken: 'new' })
  gate.release()
  const both = await Promise.all([first, second])
  expect(both.map((snapshot) => snapshot?.value.accessToken)).toEqual(['new', 'new'])
  expect(asked).toEqual(['read', 'read write'])
})

test('[A13] given a source that fails to widen one demand, when another demand comes, then the source is asked for that one', async () => {
  const wanted: string[] = []
  let issued = 0
  const credential = createCredential({
    source: {
      issue: () => Promise.resolve({ accessToken: `t${++issued}` }),
      widen: ([scope = '']) => {
        wanted.push(scope)
        if (scope === 'one') throw new Error('cannot widen')
        return () => undefined
      },
    },
  })
  const lacking = await credential.snapshot()
  await expect(credential.demand?.(lacking, insufficient('one'))).rejects.toThrow('cannot widen')
  expect((await credential.demand?.(lacking, insufficient('other')))?.value.accessToken).toBe('t2')
  expect(wanted).toEqual(['one', 'other'])
})
