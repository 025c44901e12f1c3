/** A response of a vendor's service. */
export interface VendorAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

const google = (code: number, status: string, message: string, reason?: string): unknown => ({
  error: {
    code,
    message,
    status,
    details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' }],
  },
})
const openai = (code: string | null, message: string): unknown => ({
  error: { message, type: 'invalid_request_error', param: null, code },
})
const anthropic = (type: string, message: string): unknown => ({
  type: 'error',
  error: { type, message },
  request_id: 'req_011',
})

/** Responses to an invalid credential. */
export const REJECTIONS: Record<string, VendorAnswer> = {
  'Anthropic, expired': {
    status: 401,
    body: anthropic('authentication_error', 'OAuth token has expired. Please obtain a new token.'),
  },
  'Anthropic, revoked': {
    status: 403,
    body: anthropic('permission_error', 'OAuth token has been revoked. Please obtain a new token.'),
  },
  'OpenAI, invalid key': {
    status: 401,
    body: openai('invalid_api_key', 'Incorrect API key provided: ****.'),
  },
  'OpenAI, expired': { status: 401, body: openai('token_expired', 'Provided token is expired.') },
  'OpenAI, invalidated': { status: 401, body: openai('token_invalidated', 'Your session has ended.') },
  'Google, expired': {
    status: 401,
    body: google(
      401,
      'UNAUTHENTICATED',
      'Request had invalid authentication credentials.',
      'ACCESS_TOKEN_EXPIRED',
    ),
    headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' },
  },
  'Google, bad API key': {
    status: 400,
    body: google(
      400,
      'INVALID_ARGUMENT',
      'API key not valid. Please pass a valid API key.',
      'API_KEY_INVALID',
    ),
  },
  'Google, expired API key': {
    status: 400,
    body: google(400, 'INVALID_ARGUMENT', 'API key expired. Please renew the API key.', 'API_KEY_INVALID'),
  },
  'Azure, expired': {
    status: 401,
    body: {
      error: { code: 'ExpiredAuthenticationToken', message: 'The access token expiry time is in the past.' },
    },
  },
  'Azure, unauthorized': {
    status: 401,
    body: { error: { code: 'Unauthorized', message: 'Access denied.' } },
  },
  'Azure, 401 as a code': { status: 401, body: { error: { code: '401', message: 'Access denied.' } } },
  'Azure, flat': { status: 401, body: { statusCode: 401, message: 'Access token is missing or invalid.' } },
  'Databricks, invalid': {
    status: 403,
    body: { error_code: 403, message: 'Invalid access token. [ReqId: 1]' },
  },
  'Databricks, as a page': {
    status: 403,
    body: '<html><head><title>Error 403 Invalid access token.</title></head></html>',
  },
  'Databricks, expiring': {
    status: 403,
    body: { error_code: 403, message: 'Token is expiring within 30 seconds' },
  },
  'AWS, expired': {
    status: 403,
    body: { message: 'The security token included in the request is expired' },
    headers: { 'x-amzn-errortype': 'ExpiredTokenException' },
  },
  'AWS, expired (400)': {
    status: 400,
    body: { __type: 'com.amazon.coral.service#ExpiredTokenException', message: 'no' },
  },
}

/** Responses that have another cause than the credential, or that a fresh credential would not change. */
export const OTHERS: Record<string, VendorAnswer> = {
  'Anthropic, missing scope': {
    status: 403,
    body: anthropic('permission_error', 'OAuth token does not meet scope requirement user:inference'),
  },
  'Anthropic, no permission': {
    status: 403,
    body: anthropic('permission_error', 'Your API key does not have permission to use the resource.'),
  },
  'Anthropic, overloaded': { status: 529, body: anthropic('overloaded_error', 'Overloaded') },
  'OpenAI, too long': {
    status: 400,
    body: openai('context_length_exceeded', 'maximum context length is 128000 tokens, yours has 140100'),
  },
  'OpenAI, quota': { status: 429, body: openai('insufficient_quota', 'You exceeded your current quota.') },
  'OpenAI, missing scope': {
    status: 401,
    body: openai(null, 'You have insufficient permissions for this operation. Missing scopes: model.request'),
  },
  'Google, no caller': {
    status: 403,
    body: google(403, 'PERMISSION_DENIED', "Method doesn't allow callers."),
  },
  'Google, missing scope': {
    status: 403,
    body: google(
      403,
      'PERMISSION_DENIED',
      'Request had insufficient authentication scopes.',
      'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
    ),
  },
  'Azure, forbidden': {
    status: 403,
    body: { error: { code: 'AuthorizationFailed', message: 'No access.' } },
  },
  'AWS, denied': {
    status: 403,
    body: { __type: 'AccessDeniedException', message: 'not authorized to invoke' },
  },
}
