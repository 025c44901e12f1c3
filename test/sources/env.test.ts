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

test('the variable is read anew for every token', async () => {
  vi.stubEnv('LLM_REFRESH_TEST_KEY', ' first\n')
  const source = env('LLM_REFRESH_TEST_KEY')
  expect(await issue(source)).toMatchObject({ accessToken: 'first', expiresAt: undefined })
  vi.stubEnv('LLM_REFRESH_TEST_KEY', 'second')
  expect(await issue(source)).toMatchObject({ accessToken: 'second' })
})

test('[K11] a static key that was rejected is unchanged, and stays so until another one is set', async () => {
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
  '[K3, Z1] a variable that is %s is an error that names it, without its value',
  async (_, variables, code, words) => {
    const error = await failure(issue(env('KEY', { env: variables })))
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
    expect(printed(error)).not.toContain(CANARY)
  },
)

test.each([`"${CANARY}"`, `'${CANARY}'`, `"${CANARY}"\r`, `Bearer ${CANARY}`])(
  '[K6] a variable holds a token, however it was written into its file: %s',
  async (KEY) => {
    expect((await issue(env('KEY', { env: { KEY } }))).accessToken).toBe(CANARY)
  },
)

test("[K1] a JWT's own expiry is known", async () => {
  const exp = Math.floor(Date.now() / 1000) + 600
  expect((await issue(env('KEY', { env: { KEY: jwt({ exp }) } }))).expiresAt).toBe(exp * 1000)
})

test('a platform without environment variables has none', async () => {
  processWithout('env')
  const issued = issue(env('KEY')).finally(() => vi.unstubAllGlobals())
  expect((await failure(issued)).code).toBe('credential_missing')
})

test('[Z1] a key that was given for its name by mistake is not shown', async () => {
  for (const key of ['sk-proj-abc', 'AIza.x', '', undefined, 'eyJ.eyJ.sig']) {
    const open = (): unknown => env(key as string)
    expect(open).toThrow(expect.objectContaining({ code: 'invalid_option' }))
    expect(open).not.toThrow(/sk-|AIza|eyJ/)
  }
  expect((await failure(issue(env('AIzaSyCanary')))).message).not.toContain('AIza')
})

test('an option that cannot be is refused at once', () => {
  const open = (): unknown => env('KEY', { environment: {} } as EnvOptions)
  expect(open).toThrow("'environment' does not exist")
})
