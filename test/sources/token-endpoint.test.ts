import { describe, expect, test } from 'vitest'
import type { Clock, Source, SourceContext } from '../../src/index.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { workload } from '../../src/sources/workload/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settled } from '../support/settled.ts'
import { answering, failure, Gone, issue, JSON_TYPE, printed, serve } from './helpers.ts'

const CANARY = 'canary-5be81f-token'
const CLOCK = new ManualClock()
const HTML = '<!doctype html><title>Sign in to the guest network</title>'

interface More {
  clock?: Clock
  timeout?: number
  fetch?: typeof globalThis.fetch
}

/** A source that sends requests to a token endpoint. */
interface Asker {
  readonly name: string
  /** A person has logged in for the source, so it redeems a refresh token. */
  readonly person: boolean
  readonly context: Partial<SourceContext>
  at(origin: string, more?: More): Source
}

const client = { clientId: 'client', clientSecret: `${CANARY}-secret` }
const login = { accessToken: `${CANARY}-old`, refreshToken: `${CANARY}-refresh` }

const ASKERS: Asker[] = [
  {
    name: 'oauth, refresh_token',
    person: true,
    context: { current: login },
    at: (origin, more) => oauth({ tokenEndpoint: `${origin}/token`, ...client, ...more }),
  },
  {
    name: 'oauth, client_credentials',
    person: false,
    context: {},
    at: (origin, more) =>
      oauth({ tokenEndpoint: `${origin}/token`, ...client, grant: 'client_credentials', ...more }),
  },
  {
    name: 'oauth, jwt_bearer',
    person: false,
    context: {},
    at: (origin, more) => {
      const grant = { type: 'jwt_bearer', assertion: async () => `${CANARY}-assertion` } as const
      return oauth({ tokenEndpoint: `${origin}/token`, ...client, grant, ...more })
    },
  },
  {
    name: 'workload identity',
    person: false,
    context: {},
    at: (origin, more) =>
      workload({
        for: { tokenEndpoint: `${origin}/token` },
        subjectToken: async () => `${CANARY}-subject`,
        ...more,
      }),
  },
]

/** Matches a body with a token that cannot be used. An operator must mend the server's configuration. */
const LASTING = /"access_token":"a/

type Headers = Record<string, string>
/** A response, and the error code that it leads to. `personal` is the code for a source with a person's login, if it differs. */
type Row = [
  name: string,
  body: string,
  status: number,
  headers: Headers,
  code: string,
  retryAfterMs?: number | undefined,
  personal?: string,
]

const REAUTHENTICATION = 'reauthentication_required'
const HTML_TYPE = { 'content-type': 'text/html' }

const ROWS: Row[] = [
  ['200 malformed', '{"access_token":', 200, {}, 'source_invalid'],
  ['200 without a token', '{"token_type":"Bearer"}', 200, {}, 'source_invalid'],
  ['200 with a token that is none', '{"access_token":{}}', 200, {}, 'source_invalid'],
  ['200 with an empty token', '{"access_token":""}', 200, {}, 'source_invalid'],
  ['200 with what no header can carry', '{"access_token":"a\\nb"}', 200, {}, 'source_invalid'],
  ['200 with another scheme', '{"access_token":"a","token_type":"DPoP"}', 200, {}, 'source_invalid'],
  ['200, a list', '[]', 200, {}, 'source_invalid'],
  ['200, a number', '7', 200, {}, 'source_invalid'],
  ['200, an error', '{"error":"invalid_grant"}', 200, {}, 'source_refused', undefined, REAUTHENTICATION],
  ['200 empty', '', 200, {}, 'source_unavailable'],
  ['200 of another type', 'ok', 200, { 'content-type': 'text/plain' }, 'source_unavailable'],
  ['200 HTML', HTML, 200, HTML_TYPE, 'source_unavailable'],
  ['200 HTML that says it is JSON', HTML, 200, {}, 'source_unavailable'],
  ['403 HTML', HTML, 403, HTML_TYPE, 'source_unavailable'],
  ['403 HTML in plain words', 'Forbidden', 403, HTML_TYPE, 'source_unavailable'],
  ['307', '', 307, { location: 'https://elsewhere.example' }, 'source_refused'],
  ...[
    'invalid_client',
    'unauthorized_client',
    'unsupported_grant_type',
    'invalid_scope',
    'invalid_request',
    'invalid_target',
    'something_new',
  ].map((word): Row => refused(400, word, 'source_refused')),
  ...[
    'invalid_grant',
    'access_denied',
    'interaction_required',
    'login_required',
    'consent_required',
    'refresh_token_reused',
  ].map((word): Row => refused(400, word, 'source_refused', REAUTHENTICATION)),
  refused(400, 'temporarily_unavailable', 'source_unavailable'),
  refused(400, 'server_error', 'source_unavailable'),
  refused(400, 'slow_down', 'source_unavailable'),
  refused(401, 'invalid_client', 'source_refused'),
  refused(401, 'invalid_grant', 'source_refused', REAUTHENTICATION),
  refused(403, 'invalid_grant', 'source_refused', REAUTHENTICATION),
  [
    '401 as a vendor says it',
    '{"error":{"type":"invalid_request_error","code":"refresh_token_expired","message":"no"}}',
    401,
    {},
    'source_refused',
    undefined,
    REAUTHENTICATION,
  ],
  ['401', '{"error":{"type":"authentication_error","message":"no"}}', 401, {}, 'source_refused'],
  ['403', '{}', 403, {}, 'source_refused'],
  ['404', 'not found', 404, { 'content-type': 'text/plain' }, 'source_refused'],
  ['408', '', 408, {}, 'source_unavailable'],
  ['429 in seconds', '{}', 429, { 'retry-after': '7' }, 'source_rate_limited', 7_000],
  [
    '429 with a date',
    '{"error":"invalid_grant"}',
    429,
    {
      'retry-after': new Date(CLOCK.now() + 9_000).toUTCString(),
      date: new Date(CLOCK.now()).toUTCString(),
    },
    'source_rate_limited',
    9_000,
  ],
  ['429 with nonsense', '{}', 429, { 'retry-after': 'soon' }, 'source_rate_limited'],
  ['500', '{"error":"server_error"}', 500, {}, 'source_unavailable'],
  ['500 with a word that would end a login', '{"error":"invalid_grant"}', 500, {}, 'source_unavailable'],
  ['503', HTML, 503, { 'retry-after': '3' }, 'source_unavailable', 3_000],
]

function refused(status: number, word: string, code: string, personal: string = code): Row {
  const body = JSON.stringify({ error: word, error_description: `no ${CANARY}` })
  return [`${status} ${word}`, body, status, {}, code, undefined, personal]
}

describe.each(ASKERS)('$name', ({ person, context, at }) => {
  test.each(ROWS)(
    '[K3, Z1] given the response %s, when the source reads it, then the error has the right code, and shows nothing of the request',
    async (_, body, status, headers, code, retryAfterMs, personal = code) => {
      const server = await answering(body, status, headers)
      const error = await failure(issue(at(server.origin, { clock: CLOCK }), context))
      const expected = person ? personal : code
      // A success that is a page, or empty, may have spent the refresh token.
      const isLoss =
        expected === 'source_unavailable' || (expected === 'source_invalid' && !LASTING.test(body))
      const pause = person && status === 200 && isLoss ? 5_000 : retryAfterMs
      expect(error).toMatchObject({
        code: expected,
        retryAfterMs: pause,
        terminal: expected === REAUTHENTICATION,
      })
      expect(error.message).toContain(new URL(server.origin).host)
      if (error.terminal) expect(error.message).toMatch(/log in again\.$/)
      expect(printed(error)).not.toContain(CANARY)
      expect(server.requests).toHaveLength(1)
    },
  )

  test.each(['text/html; charset=utf-8', 'text/plain', ''])(
    '[K3] given a token labelled "%s", when the source reads it, then it gets the token, and the new refresh token is not lost',
    async (type) => {
      const server = await answering({ access_token: 'a', error: '' }, 200, { 'content-type': type })
      expect(await issue(at(server.origin), context)).toMatchObject({ accessToken: 'a' })
    },
  )

  test('[K7] given a redirect, when the source gets it, then the error says that it was not followed', async () => {
    const server = await answering('{"error":"moved"}', 302, { location: 'https://elsewhere.example/token' })
    const error = await failure(issue(at(server.origin), context))
    expect(error.message).toContain('redirects to elsewhere.example, which is not followed')
  })

  test("[K3] given a refusal, when the source reads it, then the message holds the code, and the cause the server's words", async () => {
    const said = { error: 'invalid_scope', error_description: `audience\nof  ${CANARY} is\twrong` }
    const server = await answering(said, 400, { 'request-id': 'req_1' })
    const error = await failure(issue(at(server.origin), context))
    expect(error.message).toMatch(
      /^127\.0\.0\.1:\d+ refuses \(400, invalid_scope, request req_1\), saying "audience of … is wrong"\./,
    )
    expect(error.cause).toEqual(new Error('audience of … is wrong'))
  })

  test('[K3] given a refused connection, or a response that breaks off, when a token is requested, then the code is source_unreachable', async () => {
    const gone = await answering({})
    const source = at(gone.origin)
    await gone.close()
    const unreachable = await failure(issue(source, context))
    expect(unreachable.code).toBe('source_unreachable')
    expect(unreachable.cause).toMatchObject({ name: 'TypeError', cause: { code: 'ECONNREFUSED' } })

    const server = await serve((_, response) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-length': '100' })
      response.write('{"access_token":', () => response.destroy())
    })
    expect((await failure(issue(at(server.origin), context))).code).toBe('source_unreachable')
  })

  test.skipIf(person).each(['before', 'within'])(
    '[K3, K7, K13] given a timeout %s the response, when the request redeems nothing, then the timeout ends it',
    async (when) => {
      const clock = new ManualClock()
      let tell = (): void => undefined
      const asked = new Promise<void>((resolve) => {
        tell = resolve
      })
      const closed = new Gone()
      const server = await serve((_, response) => {
        closed.watch(response)
        if (when === 'within') response.writeHead(200, JSON_TYPE).write('{', tell)
        else tell()
      })
      const issued = failure(issue(at(server.origin, { clock, timeout: 4_000 }), context))
      await asked
      await clock.advance(3_999)
      expect(closed.isGone).toBe(false)
      await clock.advance(1)
      const error = await issued
      expect(error.code).toBe('source_unreachable')
      expect(error.message).toContain('did not respond within 4000 ms')
      await closed.gone
      expect(clock.armed).toBe(0)
    },
  )

  test('given a running request, when the signal aborts, then the request ends, and the call rejects with the reason', async () => {
    const controller = new AbortController()
    const reason = new Error('nobody wants it any more')
    const closed = new Gone()
    const server = await serve((_, response) => {
      closed.watch(response)
      controller.abort(reason)
    })
    const { signal } = controller
    await expect(issue(at(server.origin), { ...context, signal })).rejects.toBe(reason)
    await closed.gone
  })

  test.skipIf(person)(
    '[K7] given a fetch that ignores its signal, when the timeout has passed, then the call does not wait for the fetch',
    async () => {
      const clock = new ManualClock()
      let tell = (): void => undefined
      const asked = new Promise<void>((resolve) => {
        tell = resolve
      })
      const fetch = (): Promise<Response> => {
        tell()
        return new Promise(() => undefined)
      }
      const issued = failure(issue(at('https://auth.example.com', { clock, fetch }), context))
      await asked
      await settled()
      await clock.advance(10_000)
      expect((await issued).code).toBe('source_unreachable')
    },
  )

  test('[K3] given a response without end, when the source reads it, then it stops at its limit', async () => {
    const closed = new Gone()
    const server = await serve((_, response) => {
      closed.watch(response)
      response.writeHead(200, JSON_TYPE)
      const more = (): void => {
        while (response.write(' '.repeat(65_536)));
        response.once('drain', more)
      }
      more()
    })
    expect((await failure(issue(at(server.origin), context))).code).toBe('source_unavailable')
    await closed.gone
  })

  test("[K7] given the option 'fetch', when a token is requested, then that fetch sends the request, and follows no redirect", async () => {
    const asked: unknown[] = []
    const source = at('https://auth.example.com', {
      fetch: async (input, init) => {
        asked.push(input, init?.redirect)
        return Response.json({ access_token: 'a' })
      },
    })
    await issue(source, context)
    expect(asked).toEqual(['https://auth.example.com/token', 'manual'])
  })
})
