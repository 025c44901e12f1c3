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

/** Options of {@link startTestServers}. */
export interface TestServersOptions {
  /**
   * How long an access token is valid, in ms.
   * @default 60_000
   */
  readonly lifetime?: number | undefined
  /** The model's response. @default 'Hello from the test server.' */
  readonly answer?: TestAnswer | undefined
  /**
   * The clock of both servers. Give the credential the same one.
   * @default the platform's
   */
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
  /** The requests to the LLM server that got a 401. */
  readonly rejected: number
  /** Requests to the token endpoint. */
  readonly tokenRequests: number
  /** Access tokens that were issued. */
  readonly tokens: number
}

/** A token endpoint and an LLM server on loopback, which run in this process. */
export interface TestServers {
  /** The source for `createCredential()`. It logs in by itself, and from then on redeems rotating refresh tokens. */
  readonly source: Source
  /** The origin of both servers, for `origins`, and for Anthropic's client as `baseURL`. */
  readonly origin: string
  /** `origin` and `/v1`: the `baseURL` for OpenAI's client and for the AI SDK's providers. */
  readonly baseURL: string
  /** The issuer for `oauth({ issuer })`. The servers publish metadata (RFC 8414), and need no client secret. */
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly counts: TestCounts
  /** The requests, in the order of their responses. */
  readonly requests: readonly TestRequest[]
  /** Logs a person in: `credential.login(servers.login())`. */
  login(): TokenResponse
  /** Expires every access token that was issued so far: the LLM server then rejects it. Refresh tokens stay valid. */
  expireTokens(): void
  /**
   * Ends every login so far: the LLM server rejects its access tokens, and the token endpoint responds to its refresh token with
   * `invalid_grant`.
   */
  revokeLogins(): void
  /**
   * Makes the next requests to the token endpoint fail.
   *
   * @param times how many
   * @param status the HTTP status.
   *   @default 503
   */
  failTokenRequests(times: number, status?: number): void
  /** Closes the servers and their connections. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a token endpoint and an LLM server on a free loopback port, for tests and experiments. The LLM server supports OpenAI's chat
 * completions and responses and Anthropic's messages, streams included. It rejects an expired token as each vendor does. The servers do not
 * keep the process alive.
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
