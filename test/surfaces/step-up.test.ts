import { afterEach, describe, expect, test } from 'vitest'
import { mcp } from '../../src/sources/mcp/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { closeAgents } from './http-surface.ts'
import { CALLERS, listening, MACHINES, startDemanding } from './step-up-world.ts'

afterEach(closeAgents)

const machine = { clientId: 'app', clientSecret: 'canary-s3cret', grant: 'client_credentials' } as const

describe.each(Object.entries(CALLERS))('%s', (_, callerOf) => {
  test('[A7] given client credentials, when a scope is demanded, then the union is asked for once, and each call is made once more', async () => {
    const world = await startDemanding(() => 'read write')
    const { credential, of } = listening(mcp(world.url, machine))
    const call = await callerOf(credential, world)
    expect(await Promise.all([call(), call(), call()])).toEqual([200, 200, 200])
    expect(await call()).toBe(200)
    expect(world.asked()).toEqual(['read', 'read write'])
    expect(
      ['scope_demanded', 'rejected', 'not_retried'].map((type) => of(type as 'rejected').length),
    ).toEqual([1, 0, 0])
  })

  test('[A7] given the login of a person, when a scope is demanded, then each call has its 403, the token stays, and one event names the scope', async () => {
    const world = await startDemanding(() => 'read write')
    const { credential, of } = listening(mcp(world.url, { clientId: 'app' }))
    await credential.login({ accessToken: 'mine', refreshToken: 'r1', scope: 'read' })
    const call = await callerOf(credential, world)
    expect(await Promise.all([call(), call()])).toEqual([403, 403])
    expect(await call()).toBe(403)
    expect(of('scope_demanded')).toEqual([
      expect.objectContaining({
        scope: 'read write',
        reason: expect.objectContaining({ code: 'reauthentication_required' }),
      }),
    ])
    expect([world.auth.asked('/token'), of('rejected').length]).toEqual([0, 0])
    expect(credential.peek()).toMatchObject({ generation: 1, value: { accessToken: 'mine' } })
  })

  test('[A7] given a server that demands for ever, the same or another scope each time, then each call is sent twice at most, and it ends', async () => {
    const same = await startDemanding(() => 'Bearer error="insufficient_scope", scope="never"')
    const stubborn = listening(mcp(same.url, machine))
    const call = await callerOf(stubborn.credential, same)
    for (let calls = 0; calls < 5; calls++) expect(await call()).toBe(403)
    expect(same.asked()).toEqual(['read', 'read never'])
    const other = await startDemanding((calls) => `Bearer error="insufficient_scope", scope="s${calls}"`)
    const inventive = listening(mcp(other.url, machine))
    const again = await callerOf(inventive.credential, other)
    for (let calls = 0; calls < 30; calls++) expect(await again()).toBe(403)
    expect(other.auth.asked('/token')).toBe(17)
    // Each of the 16 demands made one call once more.
    expect(other.api.asked('/mcp') + other.api.asked('/v1/chat/completions')).toBe(46)
  })
})

describe('sources that need no person', () => {
  test.each(Object.entries(MACHINES))(
    '[A7] given %s, when scopes are demanded, then they are asked for besides what was granted, and until the next login',
    async (_, sourceOf) => {
      const world = await startDemanding((calls) => (calls <= 2 ? 'write' : 'read admin'), false)
      const { credential } = listening(sourceOf(world))
      const call = await CALLERS['refreshingFetch']?.(credential, world)
      expect([await call?.(), await call?.()]).toEqual([200, 200])
      expect(world.asked()).toEqual(['read', 'read write', 'read write admin'])
      await credential.refresh(await credential.snapshot())
      expect(world.asked().at(-1)).toBe('read write admin')
    },
  )

  test.each(Object.entries(MACHINES))(
    '[A7, A13] given %s, when a scope that was granted on demand is refused later, then the refresh asks for the others',
    async (_, sourceOf) => {
      const world = await startDemanding(() => 'write')
      const { credential } = listening(sourceOf(world))
      expect(await (await CALLERS['refreshingFetch']?.(credential, world))?.()).toBe(200)
      const issue = world.auth.routes.get('/token') ?? {}
      world.auth.routes.set('/token', ({ body }) =>
        body.toString().includes('write') ? { status: 400, body: { error: 'invalid_scope' } } : issue,
      )
      const { value } = await credential.refresh(await credential.snapshot())
      expect([value.scope, world.asked()]).toEqual(['read', ['read', 'read write', 'read write', 'read']])
    },
  )

  test('[A7] given a refresh token in the configuration, then only a person can widen it', async () => {
    const world = await startDemanding(() => 'write')
    const grant = { type: 'refresh_token', refreshToken: 'r1' } as const
    const tokenEndpoint = `${world.auth.origin}/token`
    const { credential, of } = listening(oauth({ tokenEndpoint, clientId: 'app', grant }))
    const call = await CALLERS['refreshingFetch']?.(credential, world)
    expect(await call?.()).toBe(403)
    expect(of('scope_demanded')).toMatchObject([{ reason: { code: 'reauthentication_required' } }])
    expect(world.auth.asked('/token')).toBe(1)
  })
})

describe('what a demand leaves behind', () => {
  test('[A7] given a scope that the authorization server refuses, then only the wider wish ends', async () => {
    const world = await startDemanding((calls) => (calls === 1 ? 'admin' : 'read'))
    const issue = world.auth.routes.get('/token') ?? {}
    world.auth.routes.set('/token', ({ body }) =>
      body.toString().includes('admin') ? { status: 400, body: { error: 'invalid_scope' } } : issue,
    )
    const { credential } = listening(mcp(world.url, machine))
    const call = await CALLERS['refreshingFetch']?.(credential, world)
    expect([await call?.(), await call?.()]).toEqual([403, 200])
    expect((await credential.snapshot()).value.accessToken).toBe('t1')
  })

  test('[A7] given a new login, then what was demanded before is told again', async () => {
    const world = await startDemanding(() => 'write')
    const { credential, of } = listening(mcp(world.url, { clientId: 'app' }))
    const call = await CALLERS['refreshingFetch']?.(credential, world)
    for (const accessToken of ['one', 'two']) {
      await credential.login({ accessToken, refreshToken: `r-${accessToken}` })
      await call?.()
      await call?.()
    }
    expect(of('scope_demanded').length).toBe(2)
  })
})

describe('hostile demands', () => {
  const insufficient = 'Bearer error="insufficient_scope"'

  test.each<[string, string, number]>([
    ['10,000 scopes', `${insufficient}, scope="${'s '.repeat(5_000).trim()}"`, 1],
    ['10,000 different scopes', `${insufficient}, scope="${numbered(1_500)}"`, 1],
    ['no scope', insufficient, 1],
    ['a quotation mark and a backslash', `${insufficient}, scope="a\\b ü"`, 1],
    ['a tab between scopes', `${insufficient}, scope="a\tb"`, 1],
  ])('[A7] given a challenge with %s, then nothing of it is sent on', async (_, challenge, requests) => {
    const world = await startDemanding(() => challenge)
    const { credential } = listening(mcp(world.url, machine))
    const call = await CALLERS['refreshingFetch']?.(credential, world)
    expect(await call?.()).toBe(403)
    expect(await call?.()).toBe(403)
    expect(world.asked()).toEqual(Array.from({ length: requests }, () => 'read'))
  })

  function numbered(count: number): string {
    return Array.from({ length: count }, (_, n) => `s${n}`).join(' ')
  }

  test('[A7] given sound and unsound scopes in one challenge, then only the sound ones are asked for', async () => {
    const world = await startDemanding(() => `${insufficient}, scope="write a\u0001b ü r\\x"`)
    const { credential } = listening(mcp(world.url, machine))
    const fresh = await credential.demand?.(
      await credential.snapshot(),
      `${insufficient}, scope="write a\u0001b \u001b[31m r\\x"`,
    )
    expect(fresh?.value.scope).toBe('read write')
    expect(world.asked()).toEqual(['read', 'read write'])
  })
})
