import { describe, expect, test } from 'vitest'
import { driverCause, harmless, libraryCause } from '../../src/lib/harmless.ts'
import { azure } from '../../src/sources/azure.ts'
import { command } from '../../src/sources/command/index.ts'
import { google } from '../../src/sources/google.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import { failure, issue, printed, script } from '../sources/helpers.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { FORMS, leaksIn, PLACES, SPECIAL, WORD } from './canary-places.ts'
import { everythingIn } from './everything.ts'

/** Everything that could be seen of an error, and of what has caused it. */
function seen(error: unknown): string {
  return `${everythingIn(error)}${printed(error)}`
}

const leaksOf = (error: unknown): string[] => leaksIn(seen(error))

const redeem = (fetch: typeof globalThis.fetch, secret: string) =>
  issue(
    oauth({
      tokenEndpoint: 'https://auth.example.com/token',
      clientId: 'app',
      clientSecret: secret,
      clock: new ManualClock(),
      fetch,
    }),
    { current: { accessToken: 'old', refreshToken: WORD } },
  )

describe.each(Object.keys(PLACES))('[Z1] a secret that a server repeats in %s', (place) => {
  test.each(Object.keys(FORMS))('given the secret %s, then no error contains it', async (form) => {
    for (const secret of [WORD, SPECIAL]) {
      const text = FORMS[form]?.(secret) ?? ''
      const respond = PLACES[place]
      expect(leaksOf(await failure(redeem(async () => respond?.(text) ?? new Response(), secret)))).toEqual(
        [],
      )
    }
  })
})

test.each(Object.entries(FORMS))(
  '[Z1] given a fetch that puts the request into its error, %s, then our error contains no part of the request',
  async (_, write) => {
    const fetch = async (): Promise<Response> => {
      const [word, special] = [write(WORD), write(SPECIAL)]
      const cause = Object.assign(new Error(`the proxy said ${word}`), {
        code: WORD,
        address: `http://a:${WORD}@b`,
      })
      Object.defineProperty(cause, 'request', { value: { body: word }, enumerable: false })
      throw Object.assign(new TypeError(`POST failed: ${special}`, { cause }), { config: { data: word } })
    }
    expect(leaksOf(await failure(redeem(fetch, SPECIAL)))).toEqual([])
  },
)

/** What libraries and programs say around a secret that we do not know. */
const SAID: readonly string[] = [
  `password=${WORD}`,
  `client_secret: ${WORD}`,
  `refresh_token '${WORD}' refused`,
  `{"access_token":"${WORD}","a":1}`,
  `Authorization: Bearer ${WORD}`,
  `sent Basic ${WORD} to it`,
  `Cookie: a=${WORD}; b=c`,
  `Unexpected token 'k', "${WORD}" is not valid JSON`,
  `Unexpected token k in JSON at position 0 of ${WORD}`,
  `Expected property name or '}' in JSON at position 1 "{${WORD}"`,
  `get http://a:${WORD}@b/c`,
  `get http://a/?t=${WORD}`,
  `assertion = ${WORD}`,
]

test.each(SAID)(
  '[K3, Z1] given a cloud library’s message (%s), then our error shows it without the secret',
  async (message) => {
    const thrown = Object.assign(new Error(message), {
      cause: new SyntaxError(message),
      response: { status: 400, data: { error: 'invalid_request', error_description: message } },
      stderr: message,
      config: { headers: { authorization: WORD } },
    })
    const throwing = (): never => {
      throw thrown
    }
    for (const source of [azure({ credential: throwing }), google({ client: throwing })]) {
      expect(leaksOf(await failure(issue(source)))).toEqual([])
    }
    expect(leaksOf(libraryCause(thrown))).toEqual([])
  },
)

test.each(SAID.filter((said) => !said.startsWith('{')))(
  '[K6, Z1] given a helper’s output (%s), then no error contains it',
  async (said) => {
    const quoted = `'${said.replaceAll("'", String.raw`'\''`)}'`
    const heard: string[] = []
    for (const [lines, args] of [
      [`echo ${quoted} >&2; echo ${quoted}; echo '{{'; exit 0`, []],
      [`echo ${quoted} >&2; exit 3`, [said]],
    ] as const) {
      const source = command({
        file: await script(lines),
        args,
        env: { SECRET: said },
        onStderr: (text) => heard.push(text),
      })
      expect(leaksOf(await failure(issue(source)))).toEqual([])
    }
    expect(heard.join('')).toContain(WORD)
  },
)

test('[K6, Z1] given a helper that cannot be started, then the error shows neither its arguments nor its variables', async () => {
  const missing = command({ file: '/nowhere/helper', args: [WORD], env: { SECRET: WORD } })
  expect(leaksOf(await failure(issue(missing)))).toEqual([])
})

test.each([
  `connect ECONNREFUSED redis://:${WORD}@h:6379`,
  `getaddrinfo ENOTFOUND ${WORD}@h`,
  `connect ECONNREFUSED //${WORD}@h`,
  `WRONGPASS invalid password ${WORD}`,
])('[E2, Z1] given a driver whose URL has a password (%s), then the error shows no part of it', (message) => {
  const url = `redis://:${WORD}@h:6379`
  const error = Object.assign(new Error(message), {
    address: url,
    hostname: `${WORD}@h`,
    host: url,
    input: url,
  })
  expect(leaksOf(driverCause(new AggregateError([error], message, { cause: error })))).toEqual([])
})

test('[E1] given words that are no secret, then they stay in the message', () => {
  for (const said of [
    'AADSTS7000215: Invalid client secret provided.',
    'The refresh token is invalid or expired.',
    'Bearer token has expired',
    'invalid_token: the token was revoked',
    'OAuth2 over HTTP/1.1 needs TLSv1.2 and SHA256',
    'The code passed is incorrect or expired.',
  ]) {
    expect(harmless(said, ['canary'])).toBe(said)
  }
})
