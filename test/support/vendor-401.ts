/** The vendor whose wire protocol a request speaks. Vertex counts as Google, because it responds in the same way. */
export type Vendor = 'anthropic' | 'openai' | 'google'

/** The kind of credential in a request. */
export type Offered = 'token' | 'api_key' | 'nothing'

/** A vendor's rejection of a request. */
export interface Refusal {
  status: number
  headers: Record<string, string>
  body: unknown
}

/** The vendor of a path. Any other path counts as OpenAI's, because many servers imitate its API. */
export function vendorOf(path: string): Vendor {
  if (path.startsWith('/v1/messages')) return 'anthropic'
  if (path.startsWith('/v1beta/') || path.includes('/publishers/')) return 'google'
  return 'openai'
}

/** The response of a vendor's service to an invalid credential. */
export function refusal(vendor: Vendor, offered: Offered, requestId: string): Refusal {
  switch (vendor) {
    case 'anthropic':
      return {
        status: 401,
        headers: { 'request-id': requestId },
        body: {
          type: 'error',
          error: { type: 'authentication_error', message: ANTHROPIC_MESSAGE[offered] },
          request_id: requestId,
        },
      }
    case 'openai':
      return {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="OpenAI API"', 'x-request-id': requestId },
        body: {
          error: {
            message: OPENAI_MESSAGE[offered],
            type: 'invalid_request_error',
            param: null,
            code: offered === 'nothing' ? null : 'invalid_api_key',
          },
        },
      }
    case 'google':
      return googleRefusal(offered)
  }
}

const ANTHROPIC_MESSAGE: Record<Offered, string> = {
  token: 'OAuth token has expired. Please obtain a new token or refresh your existing token.',
  api_key: 'invalid x-api-key',
  nothing: 'x-api-key header is required',
}

const OPENAI_INCORRECT =
  'Incorrect API key provided: ****. You can find your API key at https://platform.openai.com/account/api-keys.'

const OPENAI_MESSAGE: Record<Offered, string> = {
  token: OPENAI_INCORRECT,
  api_key: OPENAI_INCORRECT,
  nothing: 'Missing bearer authentication in header',
}

function googleRefusal(offered: Offered): Refusal {
  switch (offered) {
    case 'token':
      return {
        status: 401,
        headers: {
          'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"',
        },
        body: googleBody(
          401,
          'UNAUTHENTICATED',
          'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other ' +
            'valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
          'ACCESS_TOKEN_EXPIRED',
        ),
      }
    case 'api_key':
      return {
        status: 400,
        headers: {},
        body: googleBody(
          400,
          'INVALID_ARGUMENT',
          'API key not valid. Please pass a valid API key.',
          'API_KEY_INVALID',
        ),
      }
    case 'nothing':
      return {
        status: 403,
        headers: {},
        body: googleBody(
          403,
          'PERMISSION_DENIED',
          "Method doesn't allow unregistered callers (callers without established identity). Please use API Key " +
            'or other form of API consumer identity to call this API.',
        ),
      }
  }
}

function googleBody(code: number, status: string, message: string, reason?: string): unknown {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' }]
  return { error: { code, message, status, ...(reason !== undefined && { details }) } }
}
