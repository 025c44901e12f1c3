import { afterEach, expect, test, vi } from 'vitest'
import { createCredential } from '../../src/index.ts'
import { env, type EnvOptions } from '../../src/sources/env.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { processWithout } from '../support/process-without.ts'
import { failure, issue, jwt, printed } from './helpers.ts'

const CANARY = 'canary-c0a855'

afterEach(() => {
  vi.unstubAllEnvs()
})

test('given a variable that changes, when the next token is needed, then the source reads the variable again', async () => {
  vi.stubEnv('LLM_REFRESH_TEST_KEY', ' first\n')
  const source = env('LLM_REFRESH_TEST_KEY')
  expect(await issue(source)).toMatchObject({ accessToken: 'first', expiresAt: undefined })
  vi.stubEnv('LLM_REFRESH_TEST_KEY', 'second')
  expect(await issue(source)).toMatchObject({ accessToken: 'second' })
})

test('[K11] given a rejected static key, when a caller refreshes, then the refresh fails with `unchanged` until the variable holds another key', async () => {
  const clock = new ManualClock()
  const variables: Record<string, string> = { KEY: CANARY }
  const token = createCredential({ source: env('KEY', { env: variables }), clock })
  const held = await token.snapshot()
  const error = await failure(token.refresh(held))
  expect(error.code).toBe('unchanged')
  expect(printed([error, token, token.status()])).not.toContain(CANARY)
  variables['KEY'] = 'another'
  await clock.advance(1_000)
  expect((await token.refresh(held)).value.accessToken).toBe('another')
})

test.each<[string, Record<string, unknown>, string, string]>([
  ['not set', {}, 'credential_missing', 'The environment variable KEY is not set: set it'],
  ['empty', { KEY: ' \n' }, 'credential_missing', 'The environment variable KEY is empty: set it'],
  ['two lines', { KEY: `${CANARY}\n${CANARY}` }, 'source_invalid', 'The environment variable KEY holds more'],
  ['words', { KEY: `not ${CANARY}` }, 'source_invalid', 'The environment variable KEY holds no bare token'],
])(
  '[K3, Z1] given a variable that is %s, when it is read, then the error names the variable, and does not show its value',
  async (_, variables, code, words) => {
    const error = await failure(issue(env('KEY', { env: variables })))
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
    expect(printed(error)).not.toContain(CANARY)
  },
)

test.each([`"${CANARY}"`, `'${CANARY}'`, `"${CANARY}"\r`, `Bearer ${CANARY}`])(
  '[K6] given a variable with the quotes or the line end of its file (%s), when it is read, then the source gets the bare token',
  async (KEY) => {
    expect((await issue(env('KEY', { env: { KEY } }))).accessToken).toBe(CANARY)
  },
)

test('[K1] given a JWT in the variable, when it is read, then its `exp` is the expiry', async () => {
  const exp = Math.floor(Date.now() / 1000) + 600
  expect((await issue(env('KEY', { env: { KEY: jwt({ exp }) } }))).expiresAt).toBe(exp * 1000)
})

test('given a platform without environment variables, when the source reads one, then the error says that it is not set', async () => {
  processWithout('env')
  const issued = issue(env('KEY')).finally(() => vi.unstubAllGlobals())
  expect((await failure(issued)).code).toBe('credential_missing')
})

test("[Z1] given a key instead of the variable's name, when the source is made, then the error does not show the key", async () => {
  for (const key of ['sk-proj-abc', 'AIza.x', '', undefined, 'eyJ.eyJ.sig']) {
    const open = (): unknown => env(key as string)
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    expect(open).not.toThrow(/sk-|AIza|eyJ/)
  }
  expect((await failure(issue(env('AIzaSyCanary')))).message).not.toContain('AIza')
})

test('given an invalid option, when the source is made, then it throws an error that names the option', () => {
  const open = (): unknown => env('KEY', { environment: {} } as EnvOptions)
  expect(open).toThrow("'environment' does not exist")
})
