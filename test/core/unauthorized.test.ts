import { expect, expectTypeOf, test } from 'vitest'
import { defaultRejectionRules, rejectionRules, verdict } from '../../src/core/verdict/unauthorized.ts'
import {
  type DefaultRejectionRule,
  isUnauthorizedError,
  type ErrorFacts,
  RefreshError,
  type RejectionRule,
} from '../../src/index.ts'

const SEED: [string, boolean][] = [
  ['HTTP 401', true],
  ['status=401 Unauthorized', true],
  ['Invalid API key', true],
  ['invalid_api_key', true],
  ['token_expired', true],
  ['Authentication failed', true],
  ['UNAUTHORIZED', true],
  ['rate limited', false],
  ['network error', false],
  ['', false],
  ['internal server error', false],
]

test('[U1] given the seed’s table of messages in any case, then a message, an error and an outcome get the same verdict', () => {
  for (const [message, expected] of SEED) {
    for (const spelled of [message, message.toUpperCase(), message.toLowerCase()]) {
      const carriers = [
        spelled,
        new Error(spelled),
        { message: spelled },
        { type: 'invalid_request', message: spelled },
        { type: 'error', kind: 'invalid_request', message: spelled },
        { error: { message: spelled } },
        new Error('failed', { cause: new Error(spelled) }),
      ]
      expect(carriers.map((carrier) => [spelled, isUnauthorizedError(carrier)])).toEqual(
        carriers.map(() => [spelled, expected]),
      )
    }
  }
})

test.each([
  'prompt is too long: 4010 tokens',
  'requested 140100 tokens',
  'the limit is 401,000 tokens, you sent 500,000',
  'took 401.5 ms',
  'request req_401 failed',
  'model x-401 is not available',
])('[U2] given a 401 that is part of something longer, then it is no rejection: %s', (message) => {
  expect(isUnauthorizedError(message)).toBe(false)
  expect(isUnauthorizedError({ error: { message } })).toBe(false)
})

test.each(['got 401', 'HTTP 401: no', 'HTTP 401.', 'answered 401, giving up', '(status=401)', 'HTTP\t401\n'])(
  '[U2] given a 401 that is called a status, then it is a rejection: %j',
  (message) => {
    expect(isUnauthorizedError(message)).toBe(true)
  },
)

test('[U2] given a text that begins with `401 items`, then it is no rejection, whatever text comes before it', () => {
  const message = '401 items, at most 400 are allowed'
  expect(isUnauthorizedError({ message })).toBe(false)
  expect(isUnauthorizedError({ message: 'bad batch', cause: { message } })).toBe(false)
})

test.each(['status', 'statusCode', 'status_code', 'httpStatusCode', 'code', 'error_code'])(
  '[U2] given a known status, then it decides, whatever the words say (%s)',
  (key) => {
    expect(verdict({ [key]: 401, message: 'all is well' })).toMatchObject({ rejected: true, status: 401 })
    for (const status of [200, 400, 402, 403, 404, 408, 409, 422, 429, 500, 502, 503, 529]) {
      const message = '401 Unauthorized: authentication failed, invalid_api_key, token_expired'
      expect(verdict({ [key]: status, message })).toMatchObject({ rejected: false, status })
    }
  },
)

test('[U2] given a gateway’s status around a quoted one, then the outer status decides', () => {
  expect(isUnauthorizedError({ status: 502, body: { error: { code: 401 } } })).toBe(false)
  expect(isUnauthorizedError({ status: 401, cause: { status: 500 } })).toBe(true)
  expect(isUnauthorizedError({ message: 'failed', cause: { cause: { statusCode: 401 } } })).toBe(true)
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, -401, 0, 4010, 99, 600])(
  '[U2] given a status of %d, then it counts as none, and the words decide',
  (status) => {
    expect(verdict({ status, message: 'HTTP 401' })).toMatchObject({ rejected: true, status: undefined })
    expect(verdict({ status, message: 'no' }).rejected).toBe(false)
  },
)

test('[U2] given an error of this library, then it is no rejection', () => {
  const error = new RefreshError('reauthentication_required', 'unauthorized', { cause: { status: 401 } })
  expect(verdict(error)).toEqual({ rejected: false })
})

const NAMED: Record<string, { status: number; error: unknown }[]> = {
  invalid_token: [
    { status: 403, error: { error: 'invalid_token', error_description: 'The access token expired' } },
    { status: 400, error: { error: 'invalid_token' } },
    { status: 403, error: { error: { code: 'InvalidTokenError', message: 'no' } } },
    { status: 403, error: { headers: { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' } } },
    { status: 400, error: { challenge: 'Bearer error=invalid_token' } },
  ],
  anthropic_revoked: [
    { status: 403, error: { error: { type: 'permission_error', message: 'OAuth token has been revoked.' } } },
  ],
  databricks_invalid_token: [
    { status: 403, error: { error_code: 403, message: 'Invalid access token. [TraceId: 1]' } },
    { status: 403, error: '<html><title>Error 403 Invalid access token.</title></html>' },
    { status: 400, error: { message: 'Token is expiring within 30 seconds' } },
  ],
  aws_expired_token: [
    { status: 403, error: { message: 'The bearer token included in the request is invalid.' } },
    { status: 403, error: { message: 'Bearer Token has expired' } },
    { status: 403, error: '<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>' },
    { status: 400, error: { Error: { Code: 'RequestExpired', Message: 'no' } } },
    { status: 403, error: { name: 'ExpiredTokenException', message: 'no' } },
    { status: 400, error: { __type: 'com.amazon.coral.service#ExpiredTokenException' } },
    { status: 400, error: { message: 'The security token included in the request is expired' } },
    {
      status: 400,
      error: {
        name: 'UnrecognizedClientException',
        message: 'The security token included in the request is invalid.',
      },
    },
    { status: 403, error: { headers: { 'x-amzn-errortype': 'ExpiredTokenException:http://internal/' } } },
  ],
  google_api_key_invalid: [
    {
      status: 400,
      error: { error: { status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } },
    },
    { status: 400, error: { error: { message: 'API key not valid. Please pass a valid API key.' } } },
    { status: 400, error: { error: { message: 'API key expired. Please renew the API key.' } } },
  ],
  azure_expired_token: [
    {
      status: 403,
      error: { error: { code: 'Forbidden', innererror: { message: 'Challenge failed: TokenExpired' } } },
    },
    { status: 400, error: { error: { code: 'ExpiredAuthenticationToken', message: 'no' } } },
  ],
  huggingface_invalid_token: [
    { status: 400, error: { error: 'Authorization header is correct, but the token seems invalid' } },
  ],
  litellm_expired_key: [
    {
      status: 400,
      error: {
        error: { type: 'expired_key', message: 'Authentication Error - Expired Key. Key Expiry time 1' },
      },
    },
  ],
  xai_incorrect_key: [
    {
      status: 400,
      error: {
        code: 'Client specified an invalid argument',
        error: 'Incorrect API key provided: xa***9. You can obtain one.',
      },
    },
  ],
  expired_token: [
    { status: 403, error: { exp: 'token expired' } },
    { status: 403, error: { error: 'Key has expired, please renew' } },
    { status: 400, error: { code: 'access_token_expired', message: 'no' } },
  ],
  wrapped_401: [
    { status: 500, error: { error: { code: '401', message: 'no', type: 'auth_error' } } },
    { status: 500, error: { statusCode: 401, message: 'no' } },
    { status: 400, error: { type: 'error', error: { type: 'authentication_error', message: 'no' } } },
  ],
}

test('[U4] the table above names every default rule', () => {
  expect(Object.keys(NAMED)).toEqual(Object.keys(defaultRejectionRules))
  expectTypeOf(defaultRejectionRules).toEqualTypeOf<Readonly<Record<DefaultRejectionRule, RejectionRule>>>()
})

test.each(Object.entries(NAMED))(
  '[U4] given the default rule %s, then it is on, its name is reported, and it can be switched off',
  (name, cases) => {
    for (const { status, error } of cases) {
      // As a body under a status, as a JSON or plain text, and beside the status.
      const carriers = [
        { statusCode: status, data: error },
        { status, responseBody: typeof error === 'string' ? error : JSON.stringify(error) },
        new Error('failed', { cause: { status, body: error } }),
      ]
      for (const carrier of carriers) {
        expect([carrier, verdict(carrier)]).toEqual([
          carrier,
          expect.objectContaining({ rejected: true, rule: name, status }),
        ])
        expect(verdict(carrier, rejectionRules({ [name]: false })).rejected).toBe(false)
        // The same words with another status are none.
        expect(verdict({ status: 500, cause: carrier }).rejected).toBe(false)
      }
    }
  },
)

test.each([
  {
    status: 403,
    error: { type: 'permission_error', message: 'Your key does not have access to this model.' },
  },
  {
    status: 400,
    error: { type: 'invalid_request_error', message: 'authentication is required for this tool' },
  },
  { status: 403, message: 'unauthorized region' },
  { status: 400, message: 'Invalid API key format in metadata' },
  { status: 404, message: 'Invalid access token' },
])('[U4] given any other 403 or 400, then it is no rejection: %j', (error) => {
  expect(isUnauthorizedError(error)).toBe(false)
})

const SCOPE = [
  'OAuth token does not meet scope requirement user:inference',
  'Request had insufficient authentication scopes.',
  'You have insufficient permissions for this operation. Missing scopes: model.request',
  'Missing required scope: inference',
  'insufficient_scope',
  'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
]

test.each(SCOPE)('[U4] given a missing scope, then it is no rejection: %s', (words) => {
  const carriers = [
    words,
    { status: 401, message: words },
    { status: 403, error: { type: 'permission_error', message: words } },
    { status: 403, message: 'token has been revoked', code: words },
    { status: 401, headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${words}"` } },
    { code: 16, details: words, metadata: {} },
    { status: 401, cause: { error: { details: [{ reason: words }] } } },
  ]
  expect(carriers.map((carrier) => verdict(carrier).rejected)).toEqual(carriers.map(() => false))
})

test('[U4] given a user’s rules, then they are added, and one under a default rule’s name replaces that rule', () => {
  const rules = rejectionRules({
    teapot: { statuses: [418], matches: ({ text }) => text.includes('cold') },
    anthropic_revoked: { statuses: [451], matches: () => true },
  })
  expect(verdict({ status: 418, message: 'cold' }, rules)).toMatchObject({ rejected: true, rule: 'teapot' })
  expect(verdict({ status: 418, message: 'hot' }, rules).rejected).toBe(false)
  expect(verdict({ status: 403, message: 'token has been revoked' }, rules).rejected).toBe(false)
  expect(verdict({ status: 451, message: '' }, rules)).toMatchObject({ rule: 'anthropic_revoked' })
  expect(verdict({ status: 418, message: 'cold' }).rejected).toBe(false)
})

test('[U4, U5] given a rule that throws, then it has no opinion, and the other rules decide', () => {
  const rules = rejectionRules({
    invalid_token: {
      statuses: [403],
      matches: () => {
        throw new Error('rule')
      },
    },
  })
  expect(verdict({ status: 403, message: 'token has been revoked' }, rules)).toMatchObject({
    rule: 'anthropic_revoked',
  })
})

test.each<[string, unknown]>([
  ['a name that does not exist, switched off', { nobody: false }],
  ['true', { mine: true }],
  ['undefined', { mine: undefined }],
  ['null', { mine: null }],
  ['no statuses', { mine: { matches: () => true } }],
  ['no function', { mine: { statuses: [403], matches: 'yes' } }],
])('[U4] given an invalid rule, then it throws: %s', (_, changes) => {
  expect(() => rejectionRules(changes as never)).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(/'(nobody|mine)'/) }),
  )
})

const always = (statuses: number[], opinion: boolean | 'accepted' | undefined): RejectionRule => ({
  statuses,
  matches: () => opinion,
})

test('[U7] given a user’s rule that says `accepted`, then there is no rejection, whatever else speaks for one', () => {
  const rules = rejectionRules({ known: always([401, 403], 'accepted') })
  for (const error of [
    { status: 401 },
    { status: 403, message: 'OAuth token has been revoked' },
    { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } },
    // Where the error has no status of its own, every rule of the user's applies.
    { error: { type: 'authentication_error' } },
    'HTTP 401',
  ]) {
    expect(isUnauthorizedError(error)).toBe(true)
    expect(verdict(error, rules)).toMatchObject({ rejected: false, rule: 'known' })
  }
  const teapot = { status: 400, body: { error: 'invalid_token' } }
  expect(verdict(teapot, rules).rejected).toBe(true)
})

test('[U7] given a user’s rule, then it is asked before a missing scope, a status, a name and a JSON-RPC error', () => {
  const rules = rejectionRules({ mine: always([200, 401, 403, 500], true) })
  for (const error of [
    { status: 403, message: 'insufficient_scope' },
    { status: 500, message: 'no' },
    { status: 200, body: { status: 'failed' } },
    { type: 'rate_limit_error' },
    { code: 'ECONNREFUSED' },
    { jsonrpc: '2.0', id: 1, error: { code: -32_603, message: 'no' } },
  ]) {
    expect(isUnauthorizedError(error)).toBe(false)
    expect(verdict(error, rules)).toMatchObject({ rejected: true, rule: 'mine' })
  }
  expect(verdict({ status: 404 }, rules).rejected).toBe(false)
})

test('[U7] given several rules, then the first with an opinion decides, even if it replaces a default one', () => {
  const nothing = [false, undefined, null, 0, 1, 'yes', Promise.resolve(true)] as boolean[]
  for (const none of nothing) {
    const rules = rejectionRules({
      none: always([403], none),
      anthropic_revoked: always([403], 'accepted'),
      late: always([403], true),
    })
    expect(Object.keys(rules).slice(0, 3)).toEqual(['none', 'anthropic_revoked', 'late'])
    expect(verdict({ status: 403, message: 'token has been revoked' }, rules)).toMatchObject({
      rejected: false,
      rule: 'anthropic_revoked',
    })
  }
  const throws: RejectionRule = {
    statuses: [401],
    matches: () => {
      throw new Error('rule')
    },
  }
  expect(verdict({ status: 401 }, rejectionRules({ throws })).rejected).toBe(true)
})

test('[U7] given a user’s rule, then it gets the status, the names unchanged, and every text', () => {
  let seen: ErrorFacts | undefined
  const spy: RejectionRule = { statuses: [403], matches: (facts) => void (seen = facts) }
  const body = {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -1, message: 'Jira said no', data: { type: 'odd_name' } },
  }
  verdict({ status: 403, body: JSON.stringify(body) }, rejectionRules({ spy }))
  expect(seen).toMatchObject({ status: 403, names: ['odd_name'] })
  expect(seen?.text).toContain('\nJira said no')
})

test('[U2] given a 200 around an error, then the error decides; given a 200 around anything else, then there is no rejection', () => {
  const expired = { error: { type: 'authentication_error', message: 'no' } }
  for (const key of ['body', 'data', 'responseBody']) {
    expect(verdict({ status: 200, [key]: expired })).toMatchObject({ rejected: true, rule: 'name' })
    expect(isUnauthorizedError({ status: 200, [key]: JSON.stringify(expired) })).toBe(true)
    expect(isUnauthorizedError({ status: 200, [key]: { error: { message: 'Invalid API key' } } })).toBe(true)
    expect(isUnauthorizedError({ status: 200, [key]: { error: { type: 'overloaded_error' } } })).toBe(false)
    expect(isUnauthorizedError({ status: 200, [key]: { error: null, message: '401 Unauthorized' } })).toBe(
      false,
    )
    expect(isUnauthorizedError({ status: 200, [key]: '401 Unauthorized' })).toBe(false)
  }
  expect(verdict({ status: 200, body: { error: { code: 401 } } })).toMatchObject({
    rejected: true,
    status: 401,
  })
})

test('[U6] a name decides before words, a status before a name, and a code before a general type', () => {
  const cases: [unknown, boolean][] = [
    [{ type: 'overloaded_error', message: '401 Unauthorized' }, false],
    [{ type: 'authentication_error', message: 'slow down' }, true],
    [{ type: 'invalid_request_error', code: 'token_expired', message: 'no' }, true],
    [{ type: 'authentication_error', code: 'rate_limit_exceeded', message: 'no' }, false],
    [{ status: 429, type: 'authentication_error' }, false],
    [{ status: 401, type: 'rate_limit_error' }, true],
    [{ type: 'odd', message: '401 Unauthorized' }, true],
    [{ code: 'ECONNRESET', type: 'authentication_error' }, true],
    [{ code: 'ECONNRESET', message: '401 Unauthorized' }, false],
    // A name stands for a status, and the rules of that status are asked.
    [{ type: 'permission_error', message: 'OAuth token has been revoked.' }, true],
    [{ type: 'permission_error', message: '401 Unauthorized' }, false],
  ]
  expect(cases.map(([error]) => [error, isUnauthorizedError(error)])).toEqual(cases)
})

test('[U6] given a response that this library made, then it is never a rejection', () => {
  const made = {
    status: 401,
    headers: new Headers({ 'x-llm-refresh': 'credential_missing' }),
    body: 'HTTP 401',
  }
  const rules = rejectionRules({ mine: always([401], true) })
  expect([verdict(made).rejected, verdict(made, rules).rejected]).toEqual([false, false])
  expect(
    isUnauthorizedError(
      Object.assign(new Error('no'), { statusCode: 401, responseHeaders: { 'x-llm-refresh': 'x' } }),
    ),
  ).toBe(false)
})

test('[U4] given a user’s rules, when isUnauthorizedError is called with them, then they decide before the default ones', () => {
  const error = { status: 418, message: 'a teapot' }
  expect(isUnauthorizedError(error)).toBe(false)
  const rules = { teapot: { statuses: [418], matches: () => true } }
  expect(isUnauthorizedError(error, { rules })).toBe(true)
  expect(() => isUnauthorizedError(error, { rules: { unheard_of: false } })).toThrow(/'unheard_of'/)
})
