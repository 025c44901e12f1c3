import { describe, expect, test } from 'vitest'
import { factsOf } from '../../src/credential/failure-facts.ts'
import {
  type AccessToken,
  createCredential,
  type Credential,
  RefreshError,
  type Source,
} from '../../src/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { type Asker, ASKERS, CANARY, CURRENT, type Fetch, responding } from './askers.ts'
import { printed } from './helpers.ts'
import { allCasesOf, downOf, tokenOf } from './server-kinds.ts'
import { type AuthorizationServerProfile, type Meaning, type ServerCase, SERVERS } from './servers.ts'

interface Outcome {
  readonly token?: AccessToken
  readonly error?: RefreshError
  readonly asked: number
}

async function outcomeOf(asker: Asker, serverCase: ServerCase): Promise<Outcome> {
  const clock = new ManualClock()
  const { fetch, asked } = responding(() => serverCase.responds, clock)
  const outcomes: Omit<Outcome, 'asked'>[] = []
  const asking = asker.ask(fetch, clock).then(
    (token) => outcomes.push({ token }),
    (error: unknown) => {
      if (!(error instanceof RefreshError)) throw error
      outcomes.push({ error })
    },
  )
  // Hashing and importing take real time, which the manual clock does not count. So we also wait for real turns of the event loop.
  while (outcomes.length === 0) await (clock.armed > 0 ? clock.advance(5_000) : settled())
  await asking
  expect(clock.armed).toBeLessThanOrEqual(1)
  return { ...outcomes[0], asked: asked() }
}

const CODES: Readonly<Record<Exclude<Meaning, 'token'>, string>> = {
  ended: 'source_refused',
  refused: 'source_refused',
  limited: 'source_rate_limited',
  down: 'source_unavailable',
  page: 'source_unavailable',
}

/** In the trial every asker gets each case. In the tests every second asker gets a case, and the others get the next case. */
const isTrial = process.env['ASKERS'] === 'all'

describe.each(SERVERS.map((server) => [server.name, server] as const))('%s', (_name, server) => {
  test.each(
    allCasesOf(server).map(
      (each, number) =>
        [each.assumed ? `${each.when} (${each.assumed} is assumed)` : each.when, each, number] as const,
    ),
  )(
    '[K3, K18, E1] given its response “%s”, when sources and logins read it, then each gets the token or the right error',
    async (_when, serverCase, number) => {
      const { means, says, responds } = serverCase
      for (const asker of ASKERS.filter((__, n) => isTrial || (n + number) % 2 === 0)) {
        const { token, error, asked } = await outcomeOf(asker, serverCase)
        const about = `${asker.name}: ${error?.message ?? 'a token'}`
        if (means === 'token') {
          expect(token?.accessToken, about).toBe('fresh')
          continue
        }
        const { isPoll = false } = asker
        const isTransient = means === 'limited' || means === 'down' || means === 'page'
        const isEnded = (means === 'ended' && asker.person) || (isPoll && isTransient)
        // Auth0 sends the same code for a refused login and for a wrong secret, so a refusal may end a person's login there.
        const isWord = means === 'refused' && asker.person && error?.code === 'reauthentication_required'
        if (!isWord) expect(error?.code, about).toBe(isEnded ? 'reauthentication_required' : CODES[means])
        expect(error?.terminal, about).toBe(isEnded || isWord)
        // A poll goes on until its code has expired.
        expect(asked > 1, about).toBe(isPoll && isTransient)
        if (isPoll && isTransient) continue
        if (isEnded) expect(error?.message, about).toMatch(/log in again\.$/)
        if (says !== undefined) expect(error?.message, about).toMatch(says)
        const reach = responds.status === 200 && isTransient ? 'accepted' : 'answered'
        expect(factsOf(error).reach, about).toBe(reach)
        expect(printed(error)).not.toContain(CANARY)
      }
      expect(server.reference).toMatch(/^https:|^RFC/)
    },
  )

  test.each(ASKERS.flatMap(({ name, person, source }) => (source ? [{ name, person, source }] : [])))(
    '[K15, C6] given an outage of 45 s, when $name refreshes, then it sends at most 15 requests, and gets a token within 5 s of its end',
    async ({ person, source }) => {
      const [asked, late] = await outageOf(server, person, source)
      expect(asked).toBeLessThanOrEqual(15)
      expect(asked).toBeGreaterThan(3)
      // The call itself takes up to one second.
      expect(late).toBeLessThanOrEqual(6)
    },
  )
})

/** Counts the requests to an endpoint that is down for 45 s, and the seconds from then until the first call succeeds. */
async function outageOf(
  server: AuthorizationServerProfile,
  person: boolean,
  source: (fetch: Fetch, clock: ManualClock) => Source,
): Promise<[asked: number, late: number]> {
  const clock = new ManualClock()
  let isDown = true
  const well = { status: 200, body: tokenOf(server) }
  const { fetch, asked } = responding(() => (isDown ? downOf(server).responds : well), clock)
  const credential = createCredential({ source: source(fetch, clock), clock })
  if (person) await credential.login(CURRENT)
  /** Makes one call, and moves the clock on by whole seconds until the call ends. */
  const call = async (): Promise<string> => {
    const got: string[] = []
    const calling = called(credential).then((what) => got.push(what))
    do await clock.advance(1_000)
    while (got.length === 0)
    await calling
    return got.join(' ')
  }
  const began = clock.now()
  while (clock.now() < began + 45_000) expect(await call()).not.toBe('fresh')
  isDown = false
  const [askedWhileDown, mended] = [asked(), clock.now()]
  while (clock.now() < mended + 60_000 && (await call()) !== 'fresh');
  return [askedWhileDown, (clock.now() - mended) / 1_000]
}

/** The token or the error code that a call with a rejected token gets. */
async function called(credential: Credential): Promise<string> {
  try {
    const held = await credential.snapshot()
    if (held.value.accessToken === 'fresh') return 'fresh'
    return (await credential.refresh(held)).value.accessToken
  } catch (error) {
    if (error instanceof RefreshError) return error.code
    throw error
  }
}
