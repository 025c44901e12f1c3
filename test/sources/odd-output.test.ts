import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readInstant } from '../../src/credential/token/instant.ts'
import { command } from '../../src/sources/command/index.ts'
import { file } from '../../src/sources/file.ts'
import { readOutput } from '../../src/sources/shared/token-text.ts'
import { failure, issue, printed, script, temporaryFolder } from './helpers.ts'

const NOW = Date.UTC(2026, 10, 1)
const HOUR = 3_600_000
const read = (text: string) => readOutput(text, { of: 'What helper printed', since: NOW })

test.each<[string, string]>([
  ['with colours', '\u001B[1;32mtoken-1\u001B[0m\r\n'],
  ['behind a title of the terminal', '\u001B]0;login\u0007token-1\n'],
  ['in single quotes', "'token-1'\n"],
  ['behind its scheme', 'Bearer token-1\n'],
  ['as a header of a headers helper', '{"Authorization":"Bearer token-1"}'],
  ['among the headers of a headers helper', '{"headers":{"authorization":"bearer token-1","x-team":"a"}}'],
  ['behind a warning', 'WARNING: this command is deprecated {x}\n{\n  "access_token": "token-1"\n}\n'],
  ['before a notice', '{"access_token":"token-1"}\nA new release is available.\n'],
  ['with colours before JSON', '\u001B[33mWarn\u001B[0m\n{"accessToken":"token-1"}'],
  ['one level down', '{"data":{"access_token":"token-1"}}'],
  ['in a list of one', '[{"access_token":"token-1"}]'],
  ['as PowerShell names it', '{"Token":"token-1","ExpiresOn":"2026-11-01T01:00:00+00:00"}'],
  ['in Pascal case', '{"AccessToken":"token-1","TokenType":"Bearer"}'],
])('[K6] given a token %s, when the source reads it, then it gets the bare token', async (_, text) => {
  expect((await read(text)).accessToken).toBe('token-1')
})

test.each<[string, string, RegExp]>([
  ['one word in its place', 'Unauthorized\n', /looks like an error: run it/],
  ['a placeholder', '<none>', /a placeholder/],
  ['a line of an environment file', 'API_KEY=canary-1', /NAME=value.*the value alone/],
  ['an error in JSON', '{"error":"canary-1"}', /speaks of an error.*by hand/],
  ['two objects', '{"token":"canary-1"}\n{"token":"canary-2"}\n', /cannot be read/],
  ['a warning and a bare token', 'warning\ncanary-1', /the rest may go to stderr/],
])(
  '[K6, E1, Z1] given %s, when the source reads it, then the error says what to do, and shows nothing of the text',
  async (_, text, words) => {
    const error = await failure(read(text))
    expect(error.code).toBe('source_invalid')
    expect(error.message).toMatch(words)
    expect(printed(error)).not.toContain('canary')
  },
)

test.each(['Basic dXNlcjpj', 'token canary-1', 'canary-1'])(
  '[K6, Z1] given the header %s, when the source reads it, then it refuses it as no bearer token',
  async (value) => {
    const error = await failure(read(JSON.stringify({ Authorization: value })))
    expect(error.code).toBe('source_invalid')
    expect(printed(error)).not.toContain('canary')
  },
)

test('[K6] given a token with an equals sign, when the source reads it, then it gets the token', async () => {
  for (const token of ['tid=1;exp=2:3', 'dG9rZW4=', 'dG9rZW4==', 'A1==']) {
    expect((await read(token)).accessToken).toBe(token)
  }
})

test('[K6] given UTF-16, as Windows PowerShell prints and writes, when the source reads it, then it gets the token', async () => {
  const bytes = Buffer.from('\uFEFFtoken-1\r\n', 'utf16le')
  const path = join(await temporaryFolder(), 'token')
  await writeFile(path, bytes)
  expect((await issue(file(path))).accessToken).toBe('token-1')
  const unmarked = join(await temporaryFolder(), 'token')
  await writeFile(unmarked, bytes.subarray(2))
  expect((await issue(command({ file: await script(`cat ${unmarked}`) }))).accessToken).toBe('token-1')
})

test.each<[unknown]>([
  ['/Date(1793494800000)/'],
  ['/Date(1793494800000+0100)/'],
  [1_793_494_800_000_000],
  ['1793494800000000000'],
  ['Sun Nov 01 01:00:00 UTC 2026'],
  ['2026-11-01T02:00:00+01:00[Europe/Paris]'],
])('[K1] given an expiry of %s, when the source reads it, then the token has that expiry', (value) => {
  expect(readInstant(value, NOW)).toBe(NOW + HOUR)
})

test('[K1] given a time of a twelve-hour clock, when the source reads it, then it does not take it for a time in the morning', () => {
  expect(readInstant('2026-11-01 01:00:00 PM', NOW)).toBeUndefined()
})
