import { describe, expect, test } from 'vitest'
import { createCredential, memoryStore } from '../../src/index.ts'
import { mcp, type McpClient, mcpLogin, type McpLoginOptions } from '../../src/sources/mcp/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { failure } from './helpers.ts'
import { metadataOf, SERVER_METADATA, startWorld } from './mcp-world.ts'

const CALLBACK = 'https://app.example.com/callback'
const IMPORTED = { access_token: 'a1', token_type: 'Bearer', refresh_token: 'r1', expires_in: 3600 }

/** A world whose authorization server registers the client `registered`, and a person who logs in there. */
async function startClients() {
  const world = await startWorld()
  const { auth, url } = world
  const registration_endpoint = `${auth.origin}/register`
  auth.routes.set(SERVER_METADATA, { body: metadataOf(auth.origin, { registration_endpoint }) })
  auth.routes.set('/register', ({ body }) => ({
    status: 201,
    body: { ...JSON.parse(body.toString()), client_id: 'registered' },
  }))
  const store = memoryStore()
  const logIn = async (options: McpLoginOptions = {}) => {
    const login = mcpLogin(url, { redirectUri: CALLBACK, store, ...options })
    const { url: begun, binding } = await login.begin()
    const state = new URL(begun).searchParams.get('state') ?? ''
    const back = new URLSearchParams({ state, code: 'c', iss: auth.origin })
    return login.finish(`${CALLBACK}?${back.toString()}`, { binding })
  }
  const clock = new ManualClock()
  const credentialOf = (options: McpClient = {}, key = 'me') =>
    createCredential({ source: mcp(url, { store, ...options }), store, key, clock })
  return { ...world, store, logIn, credentialOf }
}

describe('an imported login', () => {
  test('[A3, K16] given a store that holds the registration of another client, when a program names no client, then its refresh token is not sent', async () => {
    const { auth, store, logIn, credentialOf } = await startClients()
    await logIn()
    const before = auth.asked('/token')
    await credentialOf({ clientId: 'imported' }).login(IMPORTED)
    expect((await store.read('me'))?.madeFor).toMatchObject({ client: 'imported' })
    const other = credentialOf()
    expect(await other.accessToken()).toBe('a1')
    const error = await failure(other.refresh(await other.snapshot()))
    expect(error).toMatchObject({ code: 'reauthentication_required', terminal: true })
    expect(error.message).toMatch(/'imported'.*'registered'/)
    expect(auth.asked('/token')).toBe(before)
    expect((await store.read('me'))?.failure).toBeUndefined()
    // The login stays valid for other programs, and for this program after its configuration is corrected.
    expect(await credentialOf({ clientId: 'imported' }).accessToken({ rejected: 'a1' })).toBe('a3')
    expect(auth.posted('/token').at(-1)).toMatchObject({ refresh_token: 'r1', client_id: 'imported' })
  })

  test("[A3] given no registration in the store, when an imported login is refreshed, then the error says so, and names the login's client", async () => {
    const { auth, credentialOf } = await startClients()
    await credentialOf({ clientId: 'imported' }).login(IMPORTED)
    const other = credentialOf()
    const error = await failure(other.refresh(await other.snapshot()))
    expect(error.message).toMatch(/'imported'.*has no client/)
    expect(auth.asked('/token')).toBe(0)
  })

  test("[A3] given a store with several registrations, when an imported login is refreshed, then the source uses its client's registration", async () => {
    const { auth, logIn, credentialOf } = await startClients()
    await logIn()
    auth.routes.set('/register', { status: 201, body: { client_id: 'newer' } })
    await logIn({ redirectUri: `${CALLBACK}2` })
    await credentialOf({ clientId: 'registered' }).login(IMPORTED)
    await credentialOf().accessToken({ rejected: 'a1' })
    expect(auth.posted('/token').at(-1)).toMatchObject({ refresh_token: 'r1', client_id: 'registered' })
  })
})

describe('a login that login() gets', () => {
  test('[A3] given mcp() with a clientId and mcpLogin() without, when login() gets the new login, then its error names both clients, and the earlier login stays', async () => {
    const { auth, store, logIn, credentialOf } = await startClients()
    const credential = credentialOf({ clientId: 'app' })
    await credential.login(IMPORTED)
    const token = await logIn()
    const error = await failure(credential.login(token))
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect(error.message).toMatch(/'app'.*'registered'.*same 'clientId'/)
    expect(error.message).not.toContain(token.refreshToken)
    expect((await store.read('me'))?.token?.accessToken).toBe('a1')
    expect(await credential.accessToken()).toBe('a1')
    expect(await credential.accessToken({ rejected: 'a1' })).toBe('a3')
    expect(auth.posted('/token').at(-1)).toMatchObject({ refresh_token: 'r1', client_id: 'app' })
  })

  test('[A3] given mcpLogin() with the clientId of a public client and mcp() without, when the login is refreshed, then the request names that client', async () => {
    const { auth, logIn, credentialOf } = await startClients()
    await logIn()
    const credential = credentialOf()
    await credential.login(await logIn({ clientId: 'app' }))
    await credential.refresh(await credential.snapshot())
    expect(auth.posted('/token').at(-1)).toMatchObject({ refresh_token: 'r3', client_id: 'app' })
  })

  test.each<McpClient>([{}, { clientId: 'app' }])(
    '[A3] given mcpLogin() with a client and its secret and mcp() with %o, when login() gets the new login, then its error says what is missing',
    async (options) => {
      const { logIn, credentialOf, auth } = await startClients()
      const token = await logIn({ clientId: 'app', clientSecret: 'canary-s3cret' })
      const error = await failure(credentialOf(options).login(token))
      expect(error).toMatchObject({ code: 'invalid_option' })
      expect(error.message).toMatch(/secret or key.*'app'/)
      expect(error.message).not.toContain('canary')
      const whole = credentialOf({ clientId: 'app', clientSecret: 'canary-s3cret' })
      await whole.login(token)
      await whole.refresh(await whole.snapshot())
      expect(auth.asked('/token')).toBe(2)
      // A refreshed login still records that its client has a secret.
      const refreshed = (await whole.snapshot()).value
      expect(await failure(credentialOf(options, 'other').login(refreshed))).toMatchObject({
        code: 'invalid_option',
      })
    },
  )

  test('[A3] given a stored login of a client with a secret, when a program without the secret refreshes it, then it does not send the refresh token', async () => {
    const { logIn, credentialOf, auth } = await startClients()
    const whole = { clientId: 'app', clientSecret: 'canary-s3cret' }
    await credentialOf(whole).login(await logIn(whole))
    const other = credentialOf()
    const error = await failure(other.refresh(await other.snapshot()))
    expect(error).toMatchObject({ code: 'reauthentication_required' })
    expect(error.message).toContain("'app'")
    expect(auth.asked('/token')).toBe(1)
  })

  test('[A3] given a login without a refresh token, when login() gets it, then it is stored, whatever its client is', async () => {
    const { logIn, credentialOf, auth } = await startClients()
    auth.routes.set('/token', { body: { access_token: 'only', token_type: 'Bearer' } })
    const credential = credentialOf({ clientId: 'app' })
    await credential.login(await logIn())
    expect(await credential.accessToken()).toBe('only')
  })
})
