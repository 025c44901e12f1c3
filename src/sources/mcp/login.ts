import { memoryStore } from '../../credential/memory-store.ts'
import type { AccessToken } from '../../credential/token.ts'
import { RefreshError } from '../../errors.ts'
import { abortable } from '../../lib/abortable.ts'
import { anything, either, optionError } from '../../lib/options.ts'
import { parsedUrl, readEndpoint } from '../../lib/secure-url.ts'
import { acceptedCallback } from '../shared/oauth/callback.ts'
import type { Client } from '../shared/oauth/client.ts'
import { listen, readRedirectUri } from '../shared/oauth/loopback.ts'
import { loadOAuth } from '../shared/oauth/oauth4webapi.ts'
import { shown } from '../shared/oauth/shown.ts'
import { each } from '../shared/oauth/target.ts'
import { withScope } from '../shared/oauth/wider-scope.ts'
import { readTokens } from '../shared/token-endpoint.ts'
import { type Http, readHttp } from '../shared/token-request.ts'
import { authorizationUrl } from './authorization-url.ts'
import { withBound } from './bound.ts'
import { checkClient, Clients, isUnknownClient, sentResource } from './client.ts'
import { Discovery, type Found } from './discovery.ts'
import { isRefused } from './documents.ts'
import { invalid, isLoopback, refused } from './hosts.ts'
import { readIssuer } from './issuer-metadata.ts'
import { checkStore } from './kept.ts'
import { loginScope } from './login-scope.ts'
import type {
  McpBeginOptions,
  McpBrowserOptions,
  McpFinishOptions,
  McpLogin,
  McpLoginBegun,
  McpLoginOptions,
} from './options.ts'
import { notSent, type Pending, PendingLogins, perhapsSent, stateless } from './pending.ts'
import { register } from './register.ts'

/** Characters. Web servers accept no longer URLs. */
const LONGEST_CALLBACK = 16_384

/**
 * Logs a person in at an MCP server, by an authorization code with PKCE (RFC 7636). The client is registered already, has a Client ID
 * Metadata Document, or registers itself (RFC 7591).
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const login = mcpLogin('https://mcp.example.com/mcp', { store, redirectUri: 'https://app.example.com/callback' })
 * const { url: toVisit, binding } = await login.begin() // keep the binding in an HttpOnly cookie, and redirect to the address
 * await credential.login(await login.finish(url, { binding: cookie })) // at the callback
 */
export function mcpLogin(serverUrl: string | URL, options: McpLoginOptions = {}): McpLogin {
  const login = new Login(serverUrl, options)
  return {
    begin: (given) => login.begin(given),
    finish: (url, given) => login.finish(url, given),
    inBrowser: (given) => login.inBrowser(given),
  }
}

class Login {
  readonly #options: McpLoginOptions
  readonly #http: Http
  readonly #discovery: Discovery
  readonly #clients: Clients
  readonly #pending: PendingLogins
  readonly #redirectUri: string

  constructor(serverUrl: string | URL, options: McpLoginOptions) {
    checkClient(options, {
      redirectUri: anything,
      clientName: anything,
      pkce: either('listed', 'unlisted'),
    })
    const { redirectUri = 'http://127.0.0.1/callback', store: given } = options
    const isHere = isLoopback(readEndpoint('redirectUri', redirectUri))
    if (isHere) readRedirectUri(redirectUri)
    const store = checkStore(given) ?? memoryStore()
    this.#options = options
    this.#redirectUri = redirectUri
    this.#http = readHttp(options)
    this.#discovery = new Discovery(serverUrl, options, this.#http)
    this.#clients = new Clients(options, store)
    this.#pending = new PendingLogins(store, this.#discovery.server.href)
  }

  async begin(options: McpBeginOptions = {}): Promise<McpLoginBegun> {
    return this.#begin(options, this.#redirectUri)
  }

  async finish(callbackUrl: string | URL, options: McpFinishOptions): Promise<AccessToken> {
    const { binding, signal = new AbortController().signal } = options ?? {}
    const text = String(callbackUrl)
    // The URL of a request in Node's `http` server is a path without an origin.
    const url = text.length > LONGEST_CALLBACK ? undefined : parsedUrl(text, 'http://127.0.0.1')
    if (!url) throw optionError('callbackUrl', 'must be the URL that the browser came back to')
    if (typeof binding !== 'string') throw optionError('binding', 'must be the one that begin() gave')
    return this.#finish(new URLSearchParams(url.searchParams), binding, signal, notSent)
  }

  async inBrowser(options: McpBrowserOptions): Promise<AccessToken> {
    if (typeof options?.open !== 'function') throw optionError('open', 'must be a function')
    try {
      return await this.#inBrowser(options)
    } catch (error) {
      // The server has forgotten the client's registration, so the client registers again, once.
      if (error instanceof UnknownClient) return this.#inBrowser(options)
      throw error
    }
  }

  async #inBrowser({
    open,
    signal = new AbortController().signal,
    ...more
  }: McpBrowserOptions): Promise<AccessToken> {
    const state = (await loadOAuth()).generateRandomState()
    const loopback = await listen(readRedirectUri(this.#redirectUri), state, signal)
    try {
      const { url, binding } = await this.#begin({ ...more, signal }, loopback.redirectUri, state)
      // `open` may not return before the person closes the browser, so we do not wait for it.
      const opened = Promise.resolve(open(url)).then(() => loopback.arrived)
      const returned = await abortable(Promise.race([loopback.arrived, opened]), signal)
      return await this.#finish(returned, binding, signal)
    } finally {
      loopback.close()
    }
  }

  async #begin(
    { challenge, scope, signal = new AbortController().signal }: McpBeginOptions,
    redirectUri: string,
    given?: string,
  ): Promise<McpLoginBegun> {
    const peer = await loadOAuth()
    // Logins are rare, so reading the metadata again costs little. A server that moved may be why this login is needed.
    const found = await this.#discovery.find(challenge, signal, { isAnew: true })
    const { metadata } = found.described
    const endpoint = metadata.authorization_endpoint
    if (endpoint === undefined) {
      throw invalid(
        `The metadata of ${shown(found.issuer)} name no authorization endpoint that may be used: ask its operator for one, or use another grant.`,
      )
    }
    const methods: unknown = metadata.code_challenge_methods_supported
    const mayBeUnlisted = this.#options.pkce === 'unlisted' && methods === undefined
    if (!mayBeUnlisted && !(Array.isArray(methods) && methods.includes('S256'))) {
      throw refused(
        `The metadata of ${shown(found.issuer)} do not list S256 among their 'code_challenge_methods_supported', and a login needs PKCE: ask its operator to list it. Where they list nothing, and you know that the server has PKCE (Microsoft Entra ID), set pkce: 'unlisted'.`,
      )
    }
    const { issuer, resource } = found
    const sent = sentResource(this.#options, resource)
    const wanted = await loginScope(this.#options.scope, found, challenge, scope)
    const toVisit = (client: string, state: string, verifier: string): Promise<URL> =>
      authorizationUrl(endpoint, { client, redirectUri, scope: wanted, resource: sent, state, verifier })
    // The trial uses its own state and verifier. If the server issues a code at once, no login can use that code.
    const isDead = async (id: string): Promise<boolean> =>
      isRefused(
        this.#http,
        await toVisit(id, peer.generateRandomState(), peer.generateRandomCodeVerifier()),
        signal,
      )
    const client = await this.#client(found, signal, isDead)
    const [state, verifier] = [given ?? peer.generateRandomState(), peer.generateRandomCodeVerifier()]
    const binding = peer.generateRandomCodeVerifier()
    await this.#pending.add({
      state,
      verifier,
      issuer,
      client: client.id,
      redirectUri,
      resource,
      scope: wanted,
      binding: await peer.calculatePKCECodeChallenge(binding),
      at: this.#http.clock.now(),
    })
    return { url: (await toVisit(client.id, state, verifier)).href, binding }
  }

  async #client(
    found: Found,
    signal: AbortSignal,
    isDead: (id: string) => Promise<boolean>,
  ): Promise<Client> {
    const { clientName = 'llm-refresh' } = this.#options
    const [redirectUri, now] = [this.#redirectUri, this.#http.clock.now()]
    return this.#clients.toLogIn(found, (registrations) =>
      registrations.living(
        redirectUri,
        now,
        () => register(this.#http, found, { clientName, redirectUri }, signal),
        isDead,
      ),
    )
  }

  /** @param unsent maps the error of an outage of the metadata. The code was not sent then. */
  async #finish(
    returned: URLSearchParams,
    binding: string,
    signal: AbortSignal,
    unsent = (error: unknown): unknown => error,
  ): Promise<AccessToken> {
    const peer = await loadOAuth()
    const hash = await peer.calculatePKCECodeChallenge(binding === '' ? 'none' : binding)
    const state = returned.get('state') ?? ''
    if (state === '') throw stateless()
    const now = this.#http.clock.now()
    const pending = await this.#pending.find(state, hash, now)
    const found = await this.#found(pending, signal).catch((error: unknown) => {
      throw unsent(error)
    })
    const about = { issuer: pending.issuer, clientId: pending.client }
    const parameters = acceptedCallback(peer, found.described.metadata, about, returned, state)
    const client = await this.#clients.existing(found, pending.client)
    // This comes last, so that after an outage of the metadata the same callback URL can finish the login.
    await this.#pending.take(state, hash, now)
    try {
      return await this.#redeem(found, pending, client, parameters, signal)
    } catch (error) {
      throw perhapsSent(error)
    }
  }

  async #redeem(
    found: Found,
    { issuer, redirectUri, verifier, resource, scope }: Pending,
    client: Client,
    parameters: URLSearchParams,
    signal: AbortSignal,
  ): Promise<AccessToken> {
    // Sending the code spends it, and the response may be slow. So the request has no timeout: only the signal ends it.
    const asked = { signal, timeout: Infinity }
    const additionalParameters = each('resource', sentResource(this.#options, resource))
    const whole = await client.ask('token_endpoint', asked, (peer, { server, party, auth }, request) =>
      peer.authorizationCodeGrantRequest(server, party, auth, parameters, redirectUri, verifier, {
        ...request,
        additionalParameters,
      }),
    )
    if (isUnknownClient(whole) && this.#clients.isRegistered(client.id)) {
      await this.#clients.registrations(found).forget(client.id)
      throw new UnknownClient(
        'reauthentication_required',
        `${shown(issuer)} does not know the client any more that it registered (invalid_client): begin the login again, which registers a new one.`,
      )
    }
    const token = readTokens(whole, client.asking({ person: true, spends: true }), client.now())
    const made = { issuer, client: client.id, proves: this.#clients.proves(client.id) }
    return withBound(withScope(token, scope), made)
  }

  /** The authorization server that the browser was sent to. The MCP server may name another one by now. */
  async #found({ issuer, resource }: Pending, signal: AbortSignal): Promise<Found> {
    const { known } = this.#discovery
    if (known?.issuer === issuer) return { ...known, resource }
    return { issuer, resource, scopes: [], described: await readIssuer(this.#http, issuer, signal) }
  }
}

class UnknownClient extends RefreshError {}
