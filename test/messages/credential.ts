import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCredential, type Credential, Refreshable, RefreshError, type Source } from '../../src/index.ts'
import { command } from '../../src/sources/command/index.ts'
import { env } from '../../src/sources/env.ts'
import { file } from '../../src/sources/file.ts'
import { oauth } from '../../src/sources/oauth/index.ts'
import type { Situation } from './situation.ts'

const over = (source: Source | 'store-only', more: object = {}): Credential =>
  createCredential({ source, ...more })
const giving = (token: unknown): Source => ({ issue: async () => token as never })
const rejected = async (credential: { snapshot(): Promise<never> } | Credential): Promise<unknown> =>
  (credential as Credential).refresh(await (credential as Credential).snapshot())

async function withFile<R>(text: string | Uint8Array, use: (path: string) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-situation-'))
  try {
    await writeFile(join(folder, 'token'), text, { mode: 0o600 })
    return await use(join(folder, 'token'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const fileOf = (when: string, text: string | Uint8Array): Situation => ({
  when: `a file of a token holds ${when}`,
  bring: () => withFile(text, (path) => over(file(path)).snapshot()),
})
const thrown = (error: unknown): Source => ({
  issue: async () => {
    throw error
  },
})
const unreachable = (code: string): Situation => ({
  when: `the token endpoint is out of reach (${code})`,
  bring: () => {
    const fetch = async (): Promise<never> => {
      throw Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(code), { code }) })
    }
    const tokenEndpoint = 'https://auth.example.com/token'
    const source = oauth({
      tokenEndpoint,
      clientId: 'a',
      clientSecret: 'b',
      fetch,
      grant: 'client_credentials',
    })
    return source.issue({
      current: undefined,
      challenge: undefined,
      signal: new AbortController().signal,
      sent: () => undefined,
    })
  },
})

/** Credentials, files, variables and helpers on this machine. */
export const CREDENTIAL_SITUATIONS: readonly Situation[] = [
  { when: 'an environment variable is not set', bring: () => over(env('NOT_SET', { env: {} })).snapshot() },
  {
    when: 'an environment variable is empty',
    bring: () => over(env('EMPTY', { env: { EMPTY: '' } })).snapshot(),
  },
  { when: 'a store that others fill is empty', bring: () => over('store-only').snapshot() },
  {
    when: 'the account was logged out',
    bring: async () => {
      const credential = over(giving({ accessToken: 'a' }))
      await credential.logout()
      return credential.snapshot()
    },
  },
  { when: 'a source gives nothing', bring: () => over(giving(undefined)).snapshot() },
  {
    when: 'a source gives a token that no header can carry',
    bring: () => over(giving({ accessToken: 'a\nb' })).snapshot(),
  },
  {
    when: 'a source gives a DPoP token',
    bring: () => over(giving({ accessToken: 'a', tokenType: 'DPoP' })).snapshot(),
  },
  {
    when: 'a source gives an expiry in seconds',
    bring: () => over(giving({ accessToken: 'a', expiresAt: 1_800_000_000 })).snapshot(),
  },
  { when: 'a source throws an error of its own', bring: () => over(thrown(new Error('x'))).snapshot() },
  {
    when: 'a source gives the rejected token again',
    bring: () => rejected(over(giving({ accessToken: 'a' }))),
  },
  {
    when: 'a refresh failed a moment ago',
    bring: async () => {
      const credential = over(thrown(new RefreshError('source_unavailable', 'It is down.')))
      await credential.snapshot().catch(() => undefined)
      return credential.snapshot()
    },
  },
  {
    when: 'a refresh function gives nothing',
    bring: () => new Refreshable({ refresh: async () => undefined as never }).snapshot(),
  },
  {
    when: 'a refresh function waits for its own cell',
    bring: () => {
      const cell: Refreshable<string> = new Refreshable({
        refresh: async () => (await cell.snapshot()).value,
      })
      return cell.snapshot()
    },
  },
  {
    when: 'set() is given nothing',
    bring: () => new Refreshable({ refresh: async () => 'a' }).set(undefined as never),
  },
  {
    when: 'login() is given what is no token',
    bring: () => over(giving({ accessToken: 'a' })).login({} as never),
  },
  {
    when: 'a login brought no refresh token, and its access token has expired or is rejected',
    bring: async () => {
      const credential = over(oauth({ tokenEndpoint: 'https://auth.example.com/token', clientId: 'a' }))
      await credential.login({ accessToken: 'a' })
      return credential.refresh(await credential.snapshot())
    },
  },
  {
    when: 'a program without a login redeems a refresh token',
    bring: () => over(oauth({ tokenEndpoint: 'https://auth.example.com/token', clientId: 'a' })).snapshot(),
  },
  fileOf('nothing', ''),
  fileOf('two lines', 'a\nb'),
  fileOf('JSON that is cut off', '{"access_token":"a'),
  fileOf('JSON without a token', '{"a":1}'),
  fileOf('an error', '{"error":"expired"}'),
  fileOf('a sentence', 'You are not logged in'),
  fileOf('a variable', 'TOKEN=abc'),
  fileOf('AWS keys', '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b"}'),
  fileOf('no UTF-8', new Uint8Array([0xc3, 0x28, 0xff])),
  fileOf('more than 1 MiB', 'a'.repeat(1_048_577)),
  { when: 'a file of a token is not there', bring: () => over(file('/nowhere/token')).snapshot() },
  { when: 'a file of a token is a folder', bring: () => over(file('/tmp')).snapshot() },
  { when: 'a helper is not there', bring: () => over(command({ file: '/nowhere/helper' })).snapshot() },
  {
    when: 'a helper is no program',
    bring: () => withFile('x', (path) => over(command({ file: path })).snapshot()),
  },
  {
    when: 'a helper fails',
    bring: () => over(command({ file: process.execPath, args: ['-e', 'process.exit(3)'] })).snapshot(),
  },
  {
    when: 'a helper prints too much',
    bring: () =>
      over(
        command({ file: process.execPath, args: ['-e', "console.log('a'.repeat(100))"], maxOutput: 10 }),
      ).snapshot(),
  },
  ...['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'DEPTH_ZERO_SELF_SIGNED_CERT'].map(unreachable),
]
