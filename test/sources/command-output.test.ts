import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type AccessToken, RefreshError } from '../../src/index.ts'
import { command, type CommandOptions } from '../../src/sources/command/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { failure, issue, jwt, printed, temporaryFolder } from './helpers.ts'

const CANARY = 'canary-91fe2b'
const TOKEN = `${CANARY}.token-_~+/=`
const NOW = Date.UTC(2026, 10, 24, 4, 0, 0)
const IN_AN_HOUR = NOW + 3_600_000
const SECONDS = IN_AN_HOUR / 1000
const ISO = '2026-11-24T05:00:00Z'

/** The token that the source reads from a helper's output. */
async function print(output: string | Uint8Array, more: Partial<CommandOptions> = {}): Promise<AccessToken> {
  const path = join(await temporaryFolder(), 'output')
  await writeFile(path, output)
  return issue(command({ file: 'cat', args: [path], clock: new ManualClock(NOW), ...more }))
}

/** A time as `az` prints it: local time without a zone. */
function local(at: number): string {
  const date = new Date(at)
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}.000000`
}

const FAR = { expiresOn: '2001-01-01 00:00:00.000000' }

test.each<[string, unknown]>([
  ['a bare token', TOKEN],
  ['a bare token with a byte order mark and blank lines', `\uFEFF\n${TOKEN}\r\n\n`],
  ['a JSON string (az --query accessToken)', JSON.stringify(TOKEN)],
])(
  '[K6] given a helper that prints %s, when the source reads it, then it gets the token',
  async (_, output) => {
    expect(await print(String(output))).toMatchObject({ accessToken: TOKEN, expiresAt: undefined })
  },
)

test.each<[string, Record<string, unknown>]>([
  [
    "kubectl's exec credential",
    {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false },
      status: { token: TOKEN, expirationTimestamp: ISO },
    },
  ],
  [
    'gcloud config config-helper',
    {
      configuration: { active_configuration: 'default', properties: { core: { account: 'me' } } },
      credential: { access_token: TOKEN, id_token: 'another', token_expiry: ISO },
      sentinels: {},
    },
  ],
  [
    'gcloud auth print-access-token, whose dates are taken apart',
    { expired: false, expiry: { datetime: '2026-11-24 05:00:00.000000', year: 2026 }, token: TOKEN },
  ],
  ['gcloud before 2020', { access_token: TOKEN, expires_in: 3600, token_type: 'Bearer' }],
  [
    'az, by its epoch seconds',
    { accessToken: TOKEN, ...FAR, expires_on: SECONDS, tenant: 'x', tokenType: 'Bearer' },
  ],
  ['az before 2.54, in local time', { accessToken: TOKEN, expiresOn: local(IN_AN_HOUR) }],
  [
    'the metadata service of Azure',
    { access_token: TOKEN, expires_on: String(SECONDS), expires_in: '86399' },
  ],
  ['@azure/identity', { token: TOKEN, expiresOnTimestamp: IN_AN_HOUR }],
  ['AWS SSO', { startUrl: 'https://x.awsapps.com/start', accessToken: TOKEN, expiresAt: ISO }],
  ['AWS SSO of old', { accessToken: TOKEN, expiresAt: '2026-11-24T05:00:00UTC' }],
  [
    'databricks auth token',
    { access_token: TOKEN, token_type: 'Bearer', expiry: '2026-11-24T06:00:00.0000001+01:00' },
  ],
  [
    "Claude Code's file",
    {
      claudeAiOauth: {
        accessToken: TOKEN,
        refreshToken: 'r',
        expiresAt: IN_AN_HOUR,
        scopes: ['user:inference'],
      },
    },
  ],
  [
    "Codex's file",
    {
      OPENAI_API_KEY: null,
      tokens: { access_token: TOKEN, refresh_token: 'r', id_token: 'i', expires_at: SECONDS },
      last_refresh: '2026-11-24T04:00:00Z',
    },
  ],
  ['an OAuth token response', { access_token: TOKEN, token_type: 'Bearer', expires_in: '3600' }],
  ["google-auth-library's credentials", { access_token: TOKEN, expiry_date: IN_AN_HOUR }],
  ['expires_at, a date', { token: TOKEN, expires_at: ISO }],
  ['expiresAt, epoch seconds', { token: TOKEN, expiresAt: SECONDS }],
  ['expiration, epoch ms as text', { token: TOKEN, expiration: String(IN_AN_HOUR) }],
  ['expiry, with milliseconds and an offset', { token: TOKEN, expiry: '2026-11-23T21:00:00.000-08:00' }],
])(
  '[K1, K6] given a helper that prints the format of %s, when the source reads it, then it gets the token and its expiry',
  async (_, json) => {
    const token = await print(JSON.stringify(json, undefined, 2))
    expect(token).toMatchObject({ accessToken: TOKEN, expiresAt: IN_AN_HOUR })
  },
)

test('[K2] given output with a type, a refresh token and a scope, when the source reads it, then the token has them', async () => {
  const json = { access_token: TOKEN, token_type: 'bearer', refresh_token: 'r', scope: 'a b', expires_in: 60 }
  expect(await print(JSON.stringify(json))).toEqual({
    accessToken: TOKEN,
    tokenType: 'bearer',
    expiresAt: NOW + 60_000,
    refreshToken: 'r',
    scope: 'a b',
  })
})

test.each<[string, unknown]>([
  ['negative', { expires_in: -5 }],
  ['zero', { expires_in: 0 }],
  ['no number', { expires_in: 'NaN' }],
  ['absurd', { expires_in: 1e12 }],
  ['an absurd date', { expires_at: '9999-12-31T23:59:59Z' }],
  ["Go's zero time", { expiry: '0001-01-01T00:00:00Z' }],
  ['epoch zero', { expires_on: 0 }],
  ['no date', { expires_at: 'in 5 minutes' }],
  ['a list', { expires_at: [ISO] }],
  ['null', { expires_at: null, expires_in: null }],
])(
  '[K1] given an impossible expiry (%s), when the source reads the output, then the token has no expiry',
  async (_, expiry) => {
    const token = await print(JSON.stringify({ access_token: TOKEN, ...Object(expiry) }))
    expect(token).toMatchObject({ accessToken: TOKEN, expiresAt: undefined })
  },
)

test("[K1] given a JWT and no other expiry, when the source reads the output, then the JWT's `exp` counts, because a helper may print a cached token", async () => {
  const token = jwt({ iat: SECONDS - 7200, exp: SECONDS })
  expect((await print(token)).expiresAt).toBe(IN_AN_HOUR)
  expect((await print(JSON.stringify({ token }))).expiresAt).toBe(IN_AN_HOUR)
  expect((await print(JSON.stringify({ token, expires_in: 60 }))).expiresAt).toBe(NOW + 60_000)
  expect((await print(jwt({ exp: 'soon' }))).expiresAt).toBeUndefined()
  expect((await print('a.b.c')).expiresAt).toBeUndefined()
})

test.each<[string, string | Uint8Array, string]>([
  ['nothing', ' \n', 'holds no token'],
  ['null, as jq -r does', 'null\n', 'holds no token'],
  ['a page for people', `<html>${CANARY}</html>`, 'holds no token'],
  ['two lines', `${CANARY}\n${CANARY}\n`, 'more than one line'],
  ['words', `not ${CANARY}`, 'no bare token'],
  ['bytes', new Uint8Array([0x80, 0xff, 0x01]), 'no bare token'],
  ['JSON cut short', `{"access_token": "${CANARY}`, 'cannot be read'],
  ['JSON and more', `{"access_token": "${CANARY}"}\n{}`, 'cannot be read'],
  ['an empty token', `{"access_token": "", "x": "${CANARY}"}`, 'without a token'],
  ['a token of another type', `{"access_token": 7, "x": "${CANARY}"}`, 'without a token'],
  ['a token that no header can carry', `{"access_token": "${CANARY}\\r\\nx: y"}`, 'more than one line'],
  ['an error', `{"error": "${CANARY}"}`, 'without a token'],
  ['a list', `["${CANARY}"]`, 'without a token'],
  ['two accounts', `{"a":{"access_token":"${CANARY}"},"b":{"access_token":"${CANARY}"}}`, 'without a token'],
  ['a token of another kind within', `{"session":{"token":"${CANARY}"}}`, 'without a token'],
  ['an error with what was sent', `{"error":{"access_token":"${CANARY}"}}`, 'speaks of an error'],
  ['an exec credential without a status', '{"kind": "ExecCredential"}', 'without a token'],
  [
    'a certificate',
    `{"kind":"ExecCredential","status":{"clientCertificateData":"c","clientKeyData":"${CANARY}"}}`,
    'a client certificate',
  ],
  ['AWS keys', `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"${CANARY}"}`, 'AWS keys'],
])(
  '[K3, K6, Z1] given a helper that prints %s, when the source reads it, then it throws an error that shows nothing of the output',
  async (_, output, words) => {
    const error = await failure(print(output))
    expect(error.code).toBe('source_invalid')
    expect(error.message).toContain(words)
    expect(error.message).toContain('What cat printed')
    expect(printed(error)).not.toContain(CANARY)
  },
)

test("given output of another format, when 'parse' reads it, then the source returns its token", async () => {
  const lines = 'user=me\ntoken=abc\n'
  const parse = (text: string): string => /^token=(.*)$/m.exec(text)?.[1] ?? ''
  expect(await print(lines, { parse })).toMatchObject({ accessToken: 'abc' })
  expect((await failure(print('user=me\n', { parse }))).code).toBe('source_invalid')

  const whole = async (): Promise<AccessToken> => ({ accessToken: 'abc', extra: { account: 'me' } })
  expect(await print(lines, { parse: whole })).toEqual(await whole())

  const cause = new Error(CANARY)
  const thrown = await failure(print(lines, { parse: () => Promise.reject(cause) }))
  expect(thrown).toMatchObject({ code: 'source_invalid', cause: { name: cause.name } })
  expect(printed(thrown)).not.toContain(CANARY)
  expect(thrown.message).not.toContain(CANARY)
  const ours = new RefreshError('reauthentication_required', 'Log in again.')
  // A person mends the helper's login outside this program, so the next try may succeed.
  const ended = await failure(print(lines, { parse: () => Promise.reject(ours) }))
  expect(ended).toMatchObject({ code: ours.code, message: ours.message, terminal: false, cause: ours })
})
