import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { aws } from '../../src/sources/aws.ts'
import { azure } from '../../src/sources/azure.ts'
import { command } from '../../src/sources/command/index.ts'
import { env } from '../../src/sources/env.ts'
import { file } from '../../src/sources/file.ts'
import { google } from '../../src/sources/google.ts'
import { failure, issue, printed, serve } from './helpers.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloud-logins-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

/** Writes a script that stands in for a vendor's command line. */
async function standIn(name: string, lines: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${lines}\n`)
  await chmod(path, 0o755)
  return path
}

test('[K15] azure: given a login that has ended, when a person runs `az login` in another terminal, then the next try succeeds without a restart', async () => {
  const { AzureCliCredential } = await import('@azure/identity')
  await standIn(
    'az',
    `if [ ! -e "${folder}/logged-in" ]; then
  echo "ERROR: AADSTS700082: The refresh token has expired due to inactivity. canary. To re-authenticate, please run: az login --scope x" >&2; exit 1
fi
echo '{"accessToken":"from-az","expires_on":1900000000,"subscription":"s","tenant":"t","tokenType":"Bearer"}'`,
  )
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`)
  const source = azure({ credential: () => new AzureCliCredential() })
  const ended = await failure(issue(source))
  expect(ended).toMatchObject({ code: 'reauthentication_required', terminal: false })
  expect(ended.message).toContain('run `az login`')
  expect(String(ended)).not.toContain('canary')
  await writeFile(join(folder, 'logged-in'), '')
  expect(await issue(source)).toEqual({ accessToken: 'from-az', expiresAt: 1_900_000_000_000 })
})

test('[K15] google: given a login that has ended, when the person logs in again, then the next try succeeds without a restart', async () => {
  let isLoggedIn = false
  const server = await serve((_, response) => {
    response.writeHead(isLoggedIn ? 200 : 400, { 'content-type': 'application/json' })
    const body = isLoggedIn
      ? { access_token: 'from-google', expires_in: 3600, token_type: 'Bearer' }
      : { error: 'invalid_grant', error_description: 'canary: Token has been expired or revoked.' }
    response.end(JSON.stringify(body))
  })
  const adc = {
    type: 'external_account_authorized_user',
    audience: '//iam.googleapis.com/locations/global/workforcePools/p/providers/p',
    client_id: 'id',
    client_secret: 'canary-secret',
    refresh_token: 'canary-rt',
    token_url: `${server.origin}/token`,
  }
  await writeFile(join(folder, 'adc.json'), JSON.stringify(adc))
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(folder, 'adc.json'))
  vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'a-project')
  const source = google()
  const ended = await failure(issue(source))
  expect(ended).toMatchObject({ code: 'reauthentication_required', terminal: false })
  expect(ended.message).toContain('gcloud auth application-default login')
  // The library's own error holds the whole request.
  expect(printed(ended)).not.toContain('canary-')
  isLoggedIn = true
  expect((await issue(source)).accessToken).toBe('from-google')
})

test.each([
  [
    'a refused client',
    401,
    '{"error":"invalid_client"}',
    'source_refused',
    'Google refuses (401, invalid_client): ',
  ],
  [
    'a success without a token',
    200,
    '{}',
    'source_invalid',
    'Google responded with a success that holds no token',
  ],
  ['a login page', 200, '<html>', 'source_invalid', 'Google gave no token that can be read (TypeError): '],
])(
  '[E1] google: given %s, when a token is requested, then the message names that response',
  async (_, status, body, code, message) => {
    const server = await serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body)
    })
    const { UserRefreshClient } = await import('google-auth-library')
    const client = () => {
      const made = new UserRefreshClient({
        clientId: 'id',
        clientSecret: 'canary',
        refreshToken: 'canary-rt',
      })
      Object.assign(made.endpoints, { oauth2TokenUrl: `${server.origin}/token` })
      return made
    }
    const failed = await failure(issue(google({ client })))
    expect(failed).toMatchObject({ code, terminal: false })
    expect(failed.message).toContain(message)
    expect(printed(failed)).not.toContain('canary')
  },
)

test.each([
  ['AADSTS53003: Access has been blocked. canary', 'source_refused', 'AADSTS53003'],
  [
    'Max retries exceeded with url canary',
    'source_unreachable',
    'could not be reached (a connection failed)',
  ],
  ["Please run 'az login' to setup account. canary", 'reauthentication_required', 'run `az login`'],
  ['Continuous access evaluation: InteractionRequired', 'reauthentication_required', 'run `az login`'],
])(
  '[E1] azure: given that az prints "%s", when a token is requested, then the message names the failure',
  async (words, code, message) => {
    const { AzureCliCredential } = await import('@azure/identity')
    await standIn('az', `echo "ERROR: ${words}" >&2; exit 1`)
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`)
    const failed = await failure(issue(azure({ credential: () => new AzureCliCredential() })))
    expect(failed).toMatchObject({ code, terminal: false })
    expect(failed.message).toContain(message)
    expect(failed.message).not.toContain('canary')
  },
)

test('[K15] aws: given a configuration without keys, when an operator adds them, then the next try reads it, and the token expires with its keys', async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('HOME', folder)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
  await writeFile(join(folder, 'config'), '[default]\nregion = eu-west-1\n')
  const source = aws({ region: 'eu-west-1' })
  const refused = await failure(issue(source))
  expect(refused).toMatchObject({ code: 'source_refused', terminal: false })
  expect(refused.message).toContain('aws sso login')
  const expiration = new Date(Math.ceil(Date.now() / 1000) * 1000 + 900_000)
  const keys = {
    Version: 1,
    AccessKeyId: 'AKIAEXAMPLE',
    SecretAccessKey: 'canary',
    Expiration: expiration.toISOString(),
  }
  const helper = await standIn('helper', `echo '${JSON.stringify(keys)}'`)
  await writeFile(join(folder, 'config'), `[default]\nregion = eu-west-1\ncredential_process = ${helper}\n`)
  const { accessToken, expiresAt } = await issue(source)
  expect(accessToken).toMatch(/^bedrock-api-key-/)
  expect(expiresAt).toBe(expiration.getTime())
  expect(printed(refused)).not.toContain('canary')
})

test('[K15] given a command or a file that failed, when it is mended, then the next try succeeds', async () => {
  const helper = await standIn('helper', 'exit 1')
  const sources = [command({ file: helper }), file(join(folder, 'token'))]
  for (const source of sources) {
    expect(await failure(issue(source))).toMatchObject({ terminal: false })
    expect(source.isLocal).toBe(true)
  }
  await standIn('helper', 'echo mended')
  await writeFile(join(folder, 'token'), 'mended')
  for (const source of sources) expect(await issue(source)).toMatchObject({ accessToken: 'mended' })
})

test('given sources of this machine, when the credential asks them, then their failures are local, and only `file` and `env` are static', () => {
  const [read, variable] = [file('/a'), env('A_KEY')]
  expect([read.isStatic, variable.isStatic, variable.isLocal]).toEqual([true, true, true])
  for (const source of [azure(), google(), aws()]) {
    expect([source.isLocal, source.isStatic, source.spendsRefreshToken]).toEqual([true, undefined, false])
  }
})

test.each([
  ['ENOTFOUND', /ENOTFOUND: there is no such host name/],
  ['ECONNREFUSED', /ECONNREFUSED: nothing listens there/],
  ['REQUEST_SEND_ERROR', /REQUEST_SEND_ERROR/],
])(
  '[E1] given a cloud that is out of reach, when a token is requested, then the message says why: %s',
  async (code, says) => {
    const thrown = Object.assign(new Error('canary'), { name: 'RestError', code })
    const error = await failure(
      issue(azure({ credential: () => ({ getToken: () => Promise.reject(thrown) }) })),
    )
    expect(error.code).toBe('source_unreachable')
    expect(error.message).toMatch(says)
    expect(String(error)).not.toContain('canary')
  },
)
