import { noting } from '../../src/credential/failure-facts.ts'
import {
  type AccessToken,
  createCredential,
  type Credential,
  memoryStore,
  Refreshable,
  RefreshError,
  type RefreshEvent,
  type Source,
  type Store,
  type StoredRecord,
} from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { inTime } from './in-time.ts'
import { type Situation, situations } from './situation.ts'
import { storeThat } from './stores.ts'

const giving = (token: object): Source => ({ issue: async () => token as never })
const failing = (error: unknown, more: Partial<Source> = {}): Source => ({
  ...more,
  issue: async () => {
    throw error
  },
})
const refused = new RefreshError('reauthentication_required', 'It is over.')
const NOW = Date.UTC(2026, 10, 1)

/** A record that was stored before, and the source that reads it. */
async function meeting(record: object, source: Source): Promise<unknown> {
  const clock = new ManualClock(NOW)
  const store = memoryStore()
  await store.update('default', async () => record as StoredRecord)
  return createCredential({ source, store, clock }).snapshot()
}
const EXPIRED = { accessToken: 'a', refreshToken: 'b', expiresAt: 1 }
/** Another process’s failure. */
const remembered = (failure: object): Promise<unknown> =>
  meeting({ token: EXPIRED, failure: { at: NOW, ...failure } }, failing(refused))

/** The error of the first event of a type, or of an event that names one. */
async function told(
  type: RefreshEvent['type'],
  run: (onEvent: (event: RefreshEvent) => void) => unknown,
): Promise<never> {
  const heard: RefreshEvent[] = []
  await run((event) => heard.push(event))
  const event = heard.findLast((each) => each.type === type)
  throw Reflect.get(event ?? {}, 'error') ?? Reflect.get(event ?? {}, 'reason') ?? new Error(`no ${type}`)
}

const hangs = (): Promise<never> => new Promise<never>(() => undefined)

/** A cell of numbers, and a remote side that rejects all of them. */
async function rejectedAtOnce(clock = new ManualClock(NOW)): Promise<unknown> {
  const cell = new Refreshable({ initial: 1, clock, refresh: async () => 2 })
  const [first] = [await cell.snapshot()]
  const second = await cell.refresh(first, { endpoint: 'GET /a' })
  cell.stillRejected(second, 'GET /a')
  return cell.refresh(second, { endpoint: 'GET /a' })
}

async function rejectedOften(): Promise<unknown> {
  const clock = new ManualClock(NOW)
  let value = 1
  const cell = new Refreshable({ initial: value, clock, refresh: async () => ++value })
  for (let n = 0; ; n++) {
    const endpoint = `GET /sessions/${n}`
    const fresh = await cell.refresh(await cell.snapshot(), { endpoint })
    cell.stillRejected(fresh, endpoint)
    clock.tick(120_000)
  }
}

const demanding = (challenge: string): Promise<never> =>
  told('scope_demanded', async (onEvent) => {
    const credential = createCredential({ source: giving({ accessToken: 'a' }), onEvent })
    await credential.demand?.(await credential.snapshot(), challenge)
  })

/** A 17th scope is demanded. */
const demandingMore = (): Promise<never> =>
  told('scope_demanded', async (onEvent) => {
    let [issued, demanded] = [0, 0]
    const source: Source = {
      issue: async () => ({ accessToken: `a${++issued}` }),
      widen: () => () => undefined,
    }
    const credential = createCredential({ source, onEvent })
    while (++demanded <= 17) {
      const challenge = `Bearer error="insufficient_scope", scope="s${demanded}"`
      await credential.demand?.(await credential.snapshot(), challenge)
    }
  })

/** Asks twice with a claims challenge that the endpoint refuses. */
async function challenged(): Promise<unknown> {
  let number = 0
  const source: Source = {
    issue: async ({ challenge }) => {
      if (challenge === undefined) return { accessToken: `a${++number}` }
      throw noting(new RefreshError('source_refused', 'No.'), { refusedWish: 'challenge' })
    },
  }
  const credential = createCredential({ source })
  const options = { challenge: 'Bearer error="insufficient_claims"' }
  const second = await credential.refresh(await credential.snapshot(), options)
  return credential.refresh(second, options)
}

/** A credential whose store keeps nothing, with a token that it does not have. */
function unstored(clock: ManualClock, otherwise: Partial<Store>): Credential {
  return createCredential({
    source: giving({ accessToken: 'a', refreshToken: 'b' }),
    clock,
    store: storeThat(otherwise),
  })
}

/** Refreshes of credentials and cells, and what other processes do meanwhile. */
export const RENEWAL_SITUATIONS: readonly Situation[] = situations({
  'another process logged the account out': async () => {
    const store = memoryStore()
    const source = giving({ accessToken: 'a' })
    const [ours, other] = [createCredential({ source, store }), createCredential({ source, store })]
    const snapshot = await ours.snapshot()
    await other.logout()
    return ours.refresh(snapshot)
  },
  'a process that only borrows is rejected': async () => {
    const store = memoryStore()
    await store.update('default', async () => ({ token: { accessToken: 'a' } }))
    const credential = createCredential({ source: 'store-only', store })
    return credential.refresh(await credential.snapshot())
  },
  'a source gives a token long after its refresh was given up': () =>
    told('persist_failed', async (onEvent) => {
      const clock = new ManualClock(NOW)
      const given: ((token: AccessToken) => void)[] = []
      const issue = (): Promise<AccessToken> => new Promise((resolve) => given.push(resolve))
      const running = createCredential({ source: { issue }, clock, onEvent }).snapshot()
      await inTime(clock, running).catch(() => undefined)
      await clock.advance(200_000)
      given[0]?.({ accessToken: 'a', refreshToken: 'b' })
      await settled()
    }),
  'another process wrote a failure where a token was to be stored': () =>
    told('persist_failed', async (onEvent) => {
      const stored = { revision: 1, token: EXPIRED }
      const failure = { code: 'source_unavailable', terminal: false, at: 1 } as const
      const store = storeThat({
        read: async () => stored,
        update: async (_, change) => {
          await change(stored, { signal: new AbortController().signal, abandoned: false })
          return { ...stored, failure, revision: 2 }
        },
      })
      const source = giving({ accessToken: 'b', refreshToken: 'c' })
      await createCredential({ source, store, onEvent, clock: new ManualClock(NOW) }).snapshot()
    }),
  'an earlier refresh ended without a response, and the next one is refused': () =>
    createCredential({
      source: failing(refused),
      store: storeThat({
        read: async () => ({ revision: 1, token: EXPIRED }),
        update: async (_, change) => {
          const current = { revision: 1, token: EXPIRED }
          await change(current, {
            signal: new AbortController().signal,
            abandoned: true,
            sent: () => undefined,
          })
          return current
        },
      }),
    }).snapshot(),
  'the configured refresh token was refused before': async () => {
    const store = memoryStore()
    const source = oauth({
      tokenEndpoint: 'https://auth.example.com/token',
      clientId: 'app',
      grant: { type: 'refresh_token', refreshToken: 'seed' },
      fetch: async () => Response.json({ access_token: 'a' }),
    })
    await createCredential({ source, store }).snapshot()
    // A token that was stored, and that another program took away.
    const failure = { code: 'source_unavailable', terminal: false, at: 1, refused: 'a:b' } as const
    await store.update('default', async (current) => ({ ...current, token: undefined, failure }))
    return createCredential({ source, store }).snapshot()
  },
  'a login was stored for another client': () =>
    meeting(
      { token: EXPIRED, madeFor: { issuer: 'https://b.example', client: 'other' } },
      { ...failing(refused), madeFor: { issuer: 'https://a.example', client: 'app' } },
    ),
  'another process was refused': () => remembered({ code: 'reauthentication_required', terminal: true }),
  'another process was told to wait': () =>
    remembered({ code: 'source_rate_limited', terminal: false, notBefore: NOW + 5_000 }),
  'an API demands a scope': () => demanding('Bearer error="insufficient_scope", scope="write"'),
  'an API demands a scope, and does not say which': () => demanding('Bearer error="insufficient_scope"'),
  'an API demands one scope after the other': demandingMore,
  'an API demands what the authorization server refuses': challenged,
  'a token response without a token is given to login()': () =>
    createCredential({ source: giving({}) }).login({ access_token: '', token_type: 'Bearer' }),

  'flush() waits for a store that is away': () => {
    const clock = new ManualClock(NOW)
    const credential = unstored(clock, { replace: failing(new Error('x')).issue as never })
    return inTime(
      clock,
      credential
        .login({ accessToken: 'a' })
        .catch(() => undefined)
        .then(() => credential.flush({ timeout: 1_000 })),
    )
  },
  'flush() waits for a source that hangs': async () => {
    const clock = new ManualClock(NOW)
    let begin = (): void => undefined
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const issue = (): Promise<never> => {
      begin()
      return hangs()
    }
    const credential = createCredential({ source: { issue }, clock })
    credential.snapshot().catch(() => undefined)
    await begun
    return inTime(clock, credential.flush({ timeout: 1_000 }))
  },
  'a store does not take a token in time': () =>
    told('persist_failed', async (onEvent) => {
      const clock = new ManualClock(NOW)
      const store = storeThat({
        update: async (_, change) => {
          await change(undefined, { signal: new AbortController().signal, abandoned: false })
          return hangs()
        },
      })
      const source = giving({ accessToken: 'a', refreshToken: 'b' })
      const running = createCredential({ source, store, clock, onEvent }).snapshot()
      await inTime(clock, running).catch(() => undefined)
    }),

  'a refresh hangs': () => {
    const clock = new ManualClock(NOW)
    return inTime(clock, new Refreshable({ clock, refresh: hangs }).snapshot())
  },
  'what map() builds hangs': () => {
    const clock = new ManualClock(NOW)
    const cell = new Refreshable({ clock, initial: 1, refresh: async () => 1 })
    return inTime(clock, cell.map(hangs).snapshot())
  },
  'map() builds nothing': () =>
    new Refreshable({ initial: 1, refresh: async () => 1 }).map(() => undefined).snapshot(),
  'a refresh threw an error of its own a moment ago': async () => {
    const cell = new Refreshable({
      clock: new ManualClock(NOW),
      refresh: failing(new TypeError('x')).issue as never,
    })
    await cell.snapshot().catch(() => undefined)
    return cell.snapshot()
  },
  'a fresh value is rejected, too': () => rejectedAtOnce(),
  'every endpoint rejects every value': rejectedOften,
})
