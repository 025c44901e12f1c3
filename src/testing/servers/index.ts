/// <reference lib="esnext.disposable" preserve="true" />
import type { Source } from '../../credential/source.ts'
import type { TokenResponse } from '../../credential/token/token-response.ts'
import { type Clock, platformClock } from '../../lib/clock.ts'
import { aClock, anything, checkedOptions, from } from '../../lib/options.ts'
import { listen } from './listen.ts'
import { Llm, type TestAnswer } from './llm.ts'
import { json } from './reply.ts'
import { testSource } from './source.ts'
import { TOKEN_PATH, TokenEndpoint } from './token-endpoint.ts'
import { Tokens } from './tokens.ts'

/** Options of the test servers. */
export interface TestServersOptions {
  /**
   * How long an access token is valid, in ms.
   * @default 60_000
   */
  readonly lifetime?: number | undefined
  /** The model's response. @default 'Hello from the test server.' */
  readonly answer?: TestAnswer | undefined
  /** Time, for tests to control. Give the credential the same. Default: the platform's. */
  readonly clock?: Clock | undefined
}

/** One request that arrived. */
export interface TestRequest {
  readonly method: string
  /** The path without the query. */
  readonly path: string
  /** The status of the response. */
  readonly status: number
}

/** Counts since the start. */
export interface TestCounts {
  /** Requests to the LLM server, those that it rejected included. */
  readonly calls: number
  /** The number of them that got a 401. */
  readonly rejected: number
  /** Requests to the token endpoint. */
  readonly tokenRequests: number
  /** Access tokens that were issued. */
  readonly tokens: number
}

/** A token endpoint and an LLM server on loopback, which run in this process. */
export interface TestServers {
  /** Gives `createCredential()` its tokens. It logs in by itself, and redeems rotating refresh tokens from then on. */
  readonly source: Source
  /** For `origins`, and for Anthropic's client as `baseURL`. */
  readonly origin: string
  /** For OpenAI's client, and for the providers of the AI SDK: `origin` and `/v1`. */
  readonly baseURL: string
  /** For `oauth({ issuer })`: the servers publish metadata (RFC 8414). They ask for no client secret. */
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly counts: TestCounts
  /** In the order in which they were responded to. */
  readonly requests: readonly TestRequest[]
  /** A person logs in: `credential.login(servers.login())`. */
  login(): TokenResponse
  /** Every access token that was issued so far has expired: the LLM server rejects it. Refresh tokens stay good. */
  expireTokens(): void
  /** Every login so far has ended: its access tokens are rejected, and its refresh token gets `invalid_grant`. */
  revokeLogins(): void
  /**
   * The next requests to the token endpoint fail.
   *
   * @param status @default 503
   */
  failTokenRequests(times: number, status?: number): void
  /** Ends the servers and their connections. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a token endpoint and an LLM server on a free loopback port, for tests and for trying things out. The LLM server speaks OpenAI's chat
 * completions and responses and Anthropic's messages, streams included, and rejects an expired token as each vendor does. It keeps no
 * process alive.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const servers = await startTestServers()
 * const credential = createCredential({ source: servers.source })
 * const fetch = refreshingFetch(credential, { origins: servers.origin })
 * const client = new OpenAI({ baseURL: servers.baseURL, apiKey: 'unused', fetch })
 * servers.expireTokens() // the next call gets a 401, and succeeds all the same
 */
export async function startTestServers(options: TestServersOptions = {}): Promise<TestServers> {
  const { lifetime, answer, clock } = checkedOptions(options, {
    lifetime: [from(1), 60_000],
    answer: [anything, 'Hello from the test server.'],
    clock: [aClock, platformClock],
  })
  const tokens = new Tokens(clock, lifetime)
  const endpoint = new TokenEndpoint(tokens)
  const llm = new Llm(tokens, answer, clock)
  const requests: TestRequest[] = []
  let origin = ''
  const server = await listen(async (request) => {
    const { method, path } = request
    const reply = await Promise.resolve(endpoint.serve(origin, request) ?? llm.serve(request)).catch(() =>
      json(500, { error: { message: 'The answer of the test server threw an error.' } }),
    )
    requests.push({ method, path, status: reply.status })
    return reply
  })
  origin = server.origin
  const tokenEndpoint = `${origin}${TOKEN_PATH}`
  return {
    source: testSource(tokenEndpoint, () => tokens.seed(), clock),
    origin,
    baseURL: `${origin}/v1`,
    issuer: origin,
    tokenEndpoint,
    get counts() {
      const { calls, rejected } = llm
      return { calls, rejected, tokenRequests: endpoint.requests, tokens: tokens.issued }
    },
    requests,
    login: () => tokens.login(),
    expireTokens: () => tokens.expire(),
    revokeLogins: () => tokens.revoke(),
    failTokenRequests: (times, status = 503) => endpoint.failNext(times, status),
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
