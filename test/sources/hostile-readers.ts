import assert from 'node:assert/strict'
import { connect } from 'node:net'
import fc from 'fast-check'
import { asRefreshError } from '../../src/core/events.ts'
import { decodeRecord } from '../../src/credential/record/record-format.ts'
import { readInstant } from '../../src/credential/token/instant.ts'
import { RefreshError } from '../../src/index.ts'
import { driverCause, libraryCause } from '../../src/lib/harmless.ts'
import { browserLogin } from '../../src/sources/oauth-browser.ts'
import { deviceLogin } from '../../src/sources/oauth/index.ts'
import { claimsOf } from '../../src/sources/shared/claims.ts'
import { cloudFailure } from '../../src/sources/shared/cloud-failure.ts'
import { connectionOf } from '../../src/sources/shared/connection.ts'
import { readMetadata } from '../../src/sources/shared/oauth/metadata.ts'
import { readTokens } from '../../src/sources/shared/token-endpoint.ts'
import { readOutput } from '../../src/sources/shared/token-text.ts'
import { ManualClock } from '../support/manual-clock.ts'
import {
  bodies,
  challenges,
  instants,
  largeBodies,
  largeChallenges,
  largeThrown,
  records,
  responses,
  targets,
  thrown,
} from './hostile-inputs.ts'
import { check, checkError, LONGEST, MIB, NOW, type Reader, sized } from './hostile-reader.ts'

const ISSUER = new URL('https://auth.example.com')
const ASKING = { person: true, spends: true, carriesClaims: true, isSigned: true }
const REMEDY = { who: 'Cloud', logIn: 'log in', configure: 'configure', login: /\blogin\b/ }

type Whole = readonly [body: string, status: number, type: string]

const whole = ([text, status, type]: Whole) => ({
  host: 'auth.example.com',
  response: new Response(status === 204 ? null : '', {
    status,
    headers: type === '' ? {} : { 'content-type': type },
  }),
  text,
  sentAt: NOW,
  secrets: ['canary'],
})

/** Responses of the largest size that is read. */
const largeResponses = (part: number): readonly (readonly [string, Whole])[] =>
  largeBodies(Math.floor(LONGEST * part)).flatMap(([name, body]) =>
    (
      [
        [200, 'application/json'],
        [200, ''],
        [400, 'text/html'],
      ] as const
    ).map(([status, type]): [string, Whole] => [`${name}, ${status} ${type}`, [body, status, type]]),
  )

async function readDeviceResponse(body: string): Promise<void> {
  const clock = new ManualClock()
  const stop = new AbortController()
  const login = deviceLogin({
    tokenEndpoint: 'https://auth.example.com/token',
    deviceAuthorizationEndpoint: 'https://auth.example.com/device',
    clientId: 'app',
    clock,
    signal: stop.signal,
    fetch: async () => new Response(body),
    onPrompt: ({ userCode, verificationUri, expiresAt }) => {
      assert.doesNotMatch(`${userCode}${verificationUri}`, /\p{C}/u)
      assert(expiresAt > clock.now() && expiresAt <= clock.now() + 86_400_000)
      stop.abort(new RefreshError('refresh_failed', 'stopped'))
    },
  })
  await login.then(() => undefined, checkError)
  assert.equal(clock.armed, 0)
}

/** Readers of the sources and the stores. */
export const SOURCE_READERS: readonly Reader[] = [
  {
    name: 'token responses',
    inputs: responses,
    share: 290,
    read: (given: Whole) =>
      check(() => {
        const token = readTokens(whole(given), ASKING, NOW)
        assert.match(token.accessToken, /^[\u0021-\u007E]+$/)
        assert(JSON.stringify(token.extra ?? {}).length < 20_000)
        return token
      }),
    large: largeResponses,
  },
  {
    name: 'metadata',
    inputs: bodies,
    share: 80,
    read: (body: string) => check(() => readMetadata(whole([body, 200, '']), ISSUER, [])),
    large: sized(largeBodies, LONGEST),
  },
  {
    name: 'challenges',
    inputs: challenges,
    share: 90,
    read: (challenge: string) => check(() => claimsOf(challenge)),
    large: sized(largeChallenges, 16_384),
  },
  {
    name: 'points in time',
    inputs: instants,
    share: 70,
    read: (given: unknown) => {
      const at = readInstant(given, NOW)
      assert(at === undefined || (at >= Date.UTC(2000) && Number.isFinite(at)))
    },
    large: (part) => [
      ['a date and blanks', `2026-01-01${' '.repeat(MIB * part)}x`],
      ['digits', '9'.repeat(MIB * part)],
    ],
  },
  {
    name: 'output of helpers',
    inputs: bodies,
    share: 90,
    read: (printed: string) =>
      readOutput(printed, { of: 'What helper printed', since: NOW }).then(
        ({ accessToken }) => assert.match(accessToken, /^[\u0021-\u007E]+$/),
        checkError,
      ),
    large: sized(largeBodies, MIB),
  },
  {
    name: 'records',
    inputs: records,
    share: 80,
    read: (text: string) =>
      check(() => {
        const { token, failure } = decodeRecord(text, 'me', 'The record of me')
        assert(token === undefined || typeof token.accessToken === 'string')
        assert(failure === undefined || Number.isFinite(failure.at))
        return undefined
      }),
    large: (part) =>
      largeBodies(Math.floor(MIB * part)).flatMap(([name, body]) => [
        [name, body],
        [`a token, ${name}`, `{"format":"llm-refresh/token","version":1,"key":"me","token":${body}}`],
      ]),
  },
  {
    name: 'errors of drivers and libraries',
    inputs: thrown,
    share: 60,
    read: (given: unknown) => {
      const { retryAfterMs, code } = asRefreshError(given)
      assert(retryAfterMs === undefined || typeof retryAfterMs === 'number')
      assert.match(code, /^[a-z_]+$/)
      assert(connectionOf(given).why.length < 600)
      assert(driverCause(given).message.length < 600)
      assert(libraryCause(given).message.length < 600)
      if (!(given instanceof RefreshError)) check(() => cloudFailure(given, REMEDY, NOW).message)
    },
    large: sized(largeThrown, MIB),
  },
  {
    name: 'device responses',
    inputs: bodies,
    share: 20,
    read: readDeviceResponse,
    large: sized(largeBodies, LONGEST),
  },
]

/** Begins a browser login. The reader sends requests to its loopback redirect. */
export async function listening(): Promise<{ readonly reader: Reader; readonly end: () => Promise<void> }> {
  const stop = new AbortController()
  let told = (_redirect: URL): void => undefined
  const opened = new Promise<URL>((resolve) => {
    told = resolve
  })
  const login = browserLogin({
    tokenEndpoint: 'https://auth.example.com/token',
    authorizationEndpoint: 'https://auth.example.com/auth',
    clientId: 'app',
    signal: stop.signal,
    open: (link) => told(new URL(new URL(link).searchParams.get('redirect_uri') ?? '')),
  }).catch((error: unknown) => error)
  const { port } = await opened
  const send = ([method, target]: readonly [string, string]): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.end(`${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`),
      )
      socket.on('data', () => undefined).on('close', () => resolve())
      socket.on('error', () => resolve())
    })
  const reader: Reader = {
    name: 'callbacks',
    inputs: fc.tuple(fc.constantFrom('GET', 'POST', 'OPTIONS', '\u0000'), targets),
    share: 10,
    read: send,
    large: (part) =>
      ['/callback?state=', '/callback?', '/'].flatMap((path) =>
        ['%', 'a=b&', 'state=x&', '[', '/..'].map((text): [string, unknown] => [
          `${path} and ${text}`,
          ['GET', path + text.repeat((15_000 * part) / text.length)],
        ]),
      ),
  }
  return {
    reader,
    end: async () => {
      const reason = new Error('enough')
      stop.abort(reason)
      // None of the requests has ended the login: only this abort does.
      assert.equal(await login, reason)
    },
  }
}
