import { json, type Received, type Reply } from './reply.ts'
import type { Tokens } from './tokens.ts'

/** The path of the token endpoint. */
export const TOKEN_PATH = '/oauth/token'

const METADATA = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']
const NOT_STORED = { 'cache-control': 'no-store' }

/** Serves the metadata of the authorization server (RFC 8414), and redeems grants (RFC 6749). */
export class TokenEndpoint {
  requests = 0
  readonly #tokens: Tokens
  #failures: { left: number; readonly status: number } | undefined

  constructor(tokens: Tokens) {
    this.#tokens = tokens
  }

  /** Makes the next requests fail. */
  failNext(times: number, status: number): void {
    this.#failures = { left: times, status }
  }

  /** Responds to a request; undefined if it is for the LLM server. */
  serve(origin: string, request: Received): Reply | undefined {
    if (METADATA.includes(request.path)) return json(200, metadata(origin))
    return request.path === TOKEN_PATH ? this.#redeem(request) : undefined
  }

  #redeem({ method, body }: Received): Reply {
    this.requests++
    if (this.#failures !== undefined && this.#failures.left > 0) {
      this.#failures.left--
      const { status } = this.#failures
      return json(status, { error: status === 429 ? 'slow_down' : 'temporarily_unavailable' }, NOT_STORED)
    }
    if (method !== 'POST') return problem('invalid_request', 'The token endpoint takes POST requests.')
    const parameters = new URLSearchParams(body)
    const grant = parameters.get('grant_type')
    if (grant === 'client_credentials') return json(200, this.#tokens.grantToClient(), NOT_STORED)
    if (grant !== 'refresh_token') {
      const told = 'The test server knows refresh_token and client_credentials.'
      return problem('unsupported_grant_type', told)
    }
    const response = this.#tokens.redeem(parameters.get('refresh_token') ?? '')
    if (response !== undefined) return json(200, response, NOT_STORED)
    return problem('invalid_grant', 'The refresh token is unknown, was redeemed before, or was revoked.')
  }
}

function problem(error: string, error_description: string): Reply {
  return json(400, { error, error_description }, NOT_STORED)
}

function metadata(issuer: string): unknown {
  return {
    issuer,
    token_endpoint: `${issuer}${TOKEN_PATH}`,
    grant_types_supported: ['refresh_token', 'client_credentials'],
    response_types_supported: ['code'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
  }
}
