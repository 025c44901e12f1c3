import { expect, test } from 'vitest'
import { createCredential, refreshingFetch, RefreshError, type Source } from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { FlakyStore } from './account.ts'

/** A credential whose login has ended at its server, as a call has just found, and the tokens that calls sent since. */
async function ended() {
  const spent: (string | undefined)[] = []
  const source: Source = {
    issue: async ({ current }) => {
      spent.push(current?.refreshToken)
      throw new RefreshError('reauthentication_required', 'The session was revoked.')
    },
  }
  const [store, clock] = [new FlakyStore(), new ManualClock()]
  const [credential, elsewhere] = [1, 2].map(() => createCredential({ source, store, clock }))
  if (credential === undefined || elsewhere === undefined) throw new Error('unreachable')
  await elsewhere.login({ accessToken: 't0', refreshToken: 'r0' })
  const sent: (string | null)[] = []
  const send = refreshingFetch(credential, {
    origins: 'https://api.example.com',
    whenDead: 'refuse',
    fetch: async (_, init) => {
      const token = new Headers(init?.headers).get('authorization')
      sent.push(token)
      return new Response('', { status: token === 'Bearer t1' ? 200 : 401 })
    },
  })
  const ask = async (): Promise<number> => (await send('https://api.example.com/')).status
  await ask()
  sent.length = 0
  return { credential, elsewhere, store, clock, spent, sent, ask }
}

test('[F6, C15] given an ended login, when the store is down while calls look for a new login, then no call is sent, and the login counts as ended until there is one', async () => {
  const { credential, elsewhere, store, clock, sent, ask } = await ended()
  store.failsTo = 'read'
  for (let calls = 0; calls < 3; calls++) {
    await clock.advance(1_000)
    expect(await ask()).toBe(401)
  }
  expect(sent).toEqual([])
  expect(credential.status()).toMatchObject({
    state: 'reauthentication_required',
    failure: { code: 'reauthentication_required' },
  })
  store.failsTo = 'nothing'
  await elsewhere.login({ accessToken: 't1', refreshToken: 'r1' })
  await clock.advance(1_000)
  expect([await ask(), sent]).toEqual([200, ['Bearer t1']])
})

test('[F6, C15] given an ended login, when a person logs in while a call looks for one, then the call is sent, and the new refresh token is not redeemed', async () => {
  const { credential, clock, spent, sent, ask } = await ended()
  await clock.advance(1_000)
  const asked = ask()
  await credential.login({ accessToken: 't1', refreshToken: 'r1' })
  expect([await asked, sent, spent]).toEqual([200, ['Bearer t1'], ['r0']])
})

test('[F6, C15] given an ended login, when 1,000 calls come at once, then the store is read once, and the refused refresh token is not sent again', async () => {
  const { store, clock, spent, sent, ask } = await ended()
  let reads = 0
  const read = store.read.bind(store)
  store.read = (key) => {
    reads++
    return read(key)
  }
  await clock.advance(1_000)
  const statuses = await Promise.all(Array.from({ length: 1_000 }, ask))
  expect([new Set(statuses), reads, sent, spent]).toEqual([new Set([401]), 1, [], ['r0']])
})
