import { describe, expect, test } from 'vitest'
import { factsOf } from '../../src/credential/failure-facts.ts'
import { type AccessToken, RefreshError } from '../../src/index.ts'
import { deviceLogin, oauth } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { issue, printed } from './helpers.ts'
import { type Meaning, type ServerCase, SERVERS } from './servers.ts'

const CANARY = 'canary-7d1f'
const tokenEndpoint = 'https://auth.example.com/token'
const client = { tokenEndpoint, clientId: 'client', clientSecret: `${CANARY}-secret` }
const current = { accessToken: `${CANARY}-old`, refreshToken: `${CANARY}-rt` }

type Fetch = typeof globalThis.fetch
interface Asker {
  readonly name: string
  /** A person has logged in for it: it redeems something. */
  readonly person: boolean
  ask(fetch: Fetch, clock: ManualClock): Promise<AccessToken>
}

/** Everything of ours that asks a token endpoint. */
const ASKERS: readonly Asker[] = [
  {
    name: 'refresh token',
    person: true,
    ask: (fetch, clock) => issue(oauth({ ...client, fetch, clock }), { current }),
  },
  {
    name: 'client credentials',
    person: false,
    ask: (fetch, clock) => issue(oauth({ ...client, fetch, clock, grant: 'client_credentials' })),
  },
  {
    name: 'exchange',
    person: false,
    ask: (fetch, clock) =>
      issue(
        oauth({
          ...client,
          fetch,
          clock,
          grant: { type: 'token_exchange', subjectToken: () => `${CANARY}-subject` },
        }),
      ),
  },
  {
    name: 'workload',
    person: false,
    ask: (fetch, clock) =>
      issue(
        workload({
          for: { tokenEndpoint, clientId: 'client' },
          subjectToken: () => `${CANARY}-subject`,
          fetch,
          clock,
        }),
      ),
  },
  {
    name: 'device',
    person: true,
    ask: (fetch, clock) =>
      deviceLogin({
        ...client,
        fetch,
        clock,
        deviceAuthorizationEndpoint: 'https://auth.example.com/device',
        onPrompt: () => undefined,
      }),
  },
]

const PROMPT = {
  device_code: `${CANARY}-device`,
  user_code: 'ABCD',
  verification_uri: 'https://auth.example.com/activate',
  expires_in: 600,
}

/** A fetch that responds as a server does. */
function responding({ responds }: ServerCase, clock: ManualClock): { fetch: Fetch; asked: () => number } {
  let asked = 0
  const fetch: Fetch = async (input, init) => {
    if (new Request(input).url.endsWith('/device')) return Response.json(PROMPT)
    asked++
    const { status, body, type = 'application/json', headers = {}, after = 0 } = responds
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    if (after > 0) {
      await new Promise<void>((resolve, reject) => {
        clock.setTimeout(resolve, after)
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    }
    // A Response gives a text a type of its own.
    const bytes = new TextEncoder().encode(text)
    return new Response(bytes, {
      status,
      headers: { ...(type !== '' && { 'content-type': type }), ...headers },
    })
  }
  return { fetch, asked: () => asked }
}

interface Outcome {
  readonly token?: AccessToken
  readonly error?: RefreshError
  readonly asked: number
}

async function outcomeOf(asker: Asker, serverCase: ServerCase): Promise<Outcome> {
  const clock = new ManualClock()
  const { fetch, asked } = responding(serverCase, clock)
  const outcomes: Omit<Outcome, 'asked'>[] = []
  const asking = asker.ask(fetch, clock).then(
    (token) => outcomes.push({ token }),
    (error: unknown) => {
      if (!(error instanceof RefreshError)) throw error
      outcomes.push({ error })
    },
  )
  for (let n = 0; n < 200 && outcomes.length === 0; n++) await clock.advance(5_000)
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

describe.each(SERVERS.map((server) => [server.name, server] as const))(
  '%s',
  (_name, { cases, reference }) => {
    test.each(cases.map((serverCase) => [serverCase.when, serverCase] as const))(
      '[K3, K18, E1] %s: every asker understands it',
      async (_when, serverCase) => {
        const { means, says, responds } = serverCase
        for (const asker of ASKERS) {
          const { token, error, asked } = await outcomeOf(asker, serverCase)
          const about = `${asker.name}: ${error?.message ?? 'a token'}`
          if (means === 'token') {
            expect(token?.accessToken, about).toBe('fresh')
            continue
          }
          const isPoll = asker.name === 'device'
          const isTransient = means === 'limited' || means === 'down' || means === 'page'
          const isEnded = (means === 'ended' && asker.person) || (isPoll && isTransient)
          // A refusal of a person's login on Auth0 is what a wrong secret gets there, too.
          const isWord = means === 'refused' && asker.person && error?.code === 'reauthentication_required'
          if (!isWord) expect(error?.code, about).toBe(isEnded ? 'reauthentication_required' : CODES[means])
          expect(error?.terminal, about).toBe(isEnded || isWord)
          // A poll goes on until its code has ended.
          expect(asked > 1, about).toBe(isPoll && isTransient)
          if (isPoll && isTransient) continue
          if (isEnded) expect(error?.message, about).toMatch(/log in again\.$/)
          if (says !== undefined) expect(error?.message, about).toMatch(says)
          const reach = responds.status === 200 && isTransient ? 'accepted' : 'answered'
          expect(factsOf(error).reach, about).toBe(reach)
          expect(printed(error)).not.toContain(CANARY)
        }
        expect(reference).toMatch(/^https:|^RFC/)
      },
    )
  },
)
