/** A response of a real authorization server, as its documentation or its users show it. */
export interface ServerResponse {
  readonly status: number
  readonly body: unknown
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  /** ms until it responds. Default: at once. */
  readonly after?: number
}

/**
 * The meaning of a response. `token`: a token. `ended`: a person's login has ended; without a person's login it is a refusal. `refused`: the
 * server refuses the client or its request. `limited`, `down`, `page`: time mends it.
 */
export type Meaning = 'token' | 'ended' | 'refused' | 'limited' | 'down' | 'page'

/** A response of a server, and its meaning. */
export interface ServerCase {
  readonly when: string
  readonly means: Meaning
  readonly responds: ServerResponse
  /** A pattern that the error's message must match. */
  readonly says?: RegExp
  /** The part of the response that no reference shows. It follows RFC 6749. */
  readonly assumed?: 'the status'
}

export interface AuthorizationServerProfile {
  readonly name: string
  /** The page that documents the responses, or that reports the most important one. */
  readonly reference: string
  readonly cases: readonly ServerCase[]
}

const json = (status: number, body: unknown, headers?: Record<string, string>): ServerResponse => ({
  status,
  body,
  ...(headers !== undefined && { headers }),
})
const html = (status: number, title: string): ServerResponse => ({
  status,
  body: `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
  type: 'text/html; charset=utf-8',
})
const TOKEN = { access_token: 'fresh', token_type: 'Bearer', expires_in: 3600 }
const ROTATED = { ...TOKEN, refresh_token: 'rotated' }
const error = (code: string, description: string): Record<string, string> => ({
  error: code,
  error_description: description,
})
const fresh = (body: unknown = TOKEN): ServerCase => ({
  when: 'fresh',
  means: 'token',
  responds: json(200, body),
})
const rotated = (body: unknown = ROTATED): ServerCase => ({
  when: 'rotated',
  means: 'token',
  responds: json(200, body),
})

/** The responses of authorization servers that people use. */
export const SERVERS: readonly AuthorizationServerProfile[] = [
  {
    name: 'Entra ID',
    reference: 'https://learn.microsoft.com/entra/identity-platform/reference-error-codes',
    cases: [
      fresh({ ...TOKEN, ext_expires_in: 3600 }),
      rotated({ ...ROTATED, scope: 'User.Read', id_token: 'e30.e30.' }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, {
          ...error('invalid_grant', 'AADSTS700082: The refresh token has expired due to inactivity.'),
          error_codes: [700_082],
        }),
        says: /AADSTS700082/,
      },
      {
        when: 'a second factor is wanted',
        means: 'ended',
        responds: json(
          400,
          error(
            'interaction_required',
            'AADSTS50076: Due to a configuration change you must use multi-factor authentication.',
          ),
        ),
      },
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(401, error('invalid_client', 'AADSTS7000215: Invalid client secret provided.')),
        says: /AADSTS7000215/,
      },
      { when: 'rate limited', means: 'limited', responds: json(429, {}, { 'retry-after': '17' }) },
      {
        when: 'down',
        means: 'down',
        responds: json(503, error('temporarily_unavailable', 'AADSTS90033: A transient error has occurred.')),
      },
    ],
  },
  {
    name: 'Auth0',
    reference: 'https://auth0.com/docs/secure/tokens/refresh-tokens/use-refresh-tokens',
    cases: [
      fresh({ ...TOKEN, expires_in: 86_400 }),
      rotated(),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(403, error('invalid_grant', 'Unknown or invalid refresh token.')),
      },
      {
        when: 'a second factor is wanted',
        means: 'ended',
        responds: json(403, {
          ...error('mfa_required', 'Multifactor authentication required'),
          mfa_token: 'x',
        }),
      },
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(401, error('access_denied', 'Unauthorized')),
        says: /Unauthorized/,
      },
      {
        when: 'rate limited',
        means: 'limited',
        responds: json(429, error('too_many_requests', 'Global limit has been reached')),
      },
    ],
  },
  {
    name: 'Okta',
    reference: 'https://github.com/okta/okta-react-native/issues/287',
    cases: [
      fresh(),
      rotated(),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'The refresh token is invalid or expired.')),
      },
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(
          401,
          error('invalid_client', 'The client secret supplied for a confidential client is invalid.'),
        ),
      },
      {
        when: 'its own words',
        means: 'refused',
        responds: json(401, { errorCode: 'E0000011', errorSummary: 'Invalid token provided' }),
        says: /E0000011.*Invalid token provided/,
      },
      {
        when: 'rate limited, without Retry-After',
        means: 'limited',
        responds: json(
          429,
          { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit due to too many requests.' },
          { 'x-rate-limit-reset': '1793494860' },
        ),
      },
    ],
  },
  {
    name: 'Keycloak',
    reference: 'https://www.keycloak.org/docs/latest/server_admin/',
    cases: [
      fresh({ ...TOKEN, refresh_expires_in: 0, 'not-before-policy': 0, scope: 'email profile' }),
      rotated({ ...ROTATED, refresh_expires_in: 1800, session_state: 's' }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'Session not active')),
      },
      {
        when: 'a reused token',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'Maximum allowed refresh token reuse exceeded')),
      },
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(401, error('unauthorized_client', 'Invalid client or Invalid client credentials')),
        says: /allow the grant/,
      },
      {
        when: 'its proxy is up and it is down',
        means: 'down',
        responds: html(503, '503 Service Temporarily Unavailable'),
      },
    ],
  },
  {
    name: 'GitHub',
    reference:
      'https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens',
    cases: [
      rotated({
        ...ROTATED,
        expires_in: 28_800,
        refresh_token_expires_in: 15_897_600,
        scope: '',
        token_type: 'bearer',
      }),
      {
        when: 'as a form',
        means: 'token',
        responds: {
          status: 200,
          type: 'application/x-www-form-urlencoded; charset=utf-8',
          body: 'access_token=fresh&expires_in=28800&refresh_token=rotated&refresh_token_expires_in=15897600&scope=&token_type=bearer',
        },
      },
      {
        when: 'expired login',
        means: 'ended',
        responds: json(200, {
          ...error('bad_refresh_token', 'The refresh token passed is incorrect or expired.'),
          error_uri: 'https://docs.github.com',
        }),
      },
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(
          200,
          error('incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.'),
        ),
        says: /incorrect_client_credentials/,
      },
      { when: 'down', means: 'down', responds: html(502, 'Unicorn!') },
    ],
  },
  {
    name: 'Slack',
    reference: 'https://docs.slack.dev/authentication/using-token-rotation/',
    cases: [
      rotated({ ok: true, ...ROTATED, expires_in: 43_200, token_type: 'bot', team: { id: 'T' } }),
      {
        when: 'a person’s token, one level down',
        means: 'token',
        responds: json(200, { ok: true, app_id: 'A', authed_user: { ...ROTATED, token_type: 'user' } }),
      },
      {
        when: 'expired login',
        means: 'ended',
        responds: json(200, { ok: false, error: 'invalid_refresh_token' }),
      },
      { when: 'a revoked login', means: 'ended', responds: json(200, { ok: false, error: 'token_revoked' }) },
      {
        when: 'a wrong client',
        means: 'refused',
        responds: json(200, { ok: false, error: 'bad_client_secret' }),
        says: /bad_client_secret/,
      },
      {
        when: 'rate limited',
        means: 'limited',
        responds: json(429, { ok: false, error: 'ratelimited' }, { 'retry-after': '30' }),
      },
    ],
  },
  {
    name: 'Salesforce',
    reference:
      'https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_refresh_token_flow.htm',
    cases: [
      fresh({
        access_token: 'fresh',
        signature: 's',
        instance_url: 'https://x.my.salesforce.com',
        token_type: 'Bearer',
        issued_at: '1700000000000',
      }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'expired access/refresh token')),
      },
      {
        when: 'a wrong client',
        means: 'refused',
        responds: json(400, error('invalid_client_id', 'client identifier invalid')),
        says: /invalid_client_id/,
      },
      { when: 'its maintenance page', means: 'page', responds: html(200, 'We are down for maintenance') },
    ],
  },
  {
    name: 'Google',
    reference: 'https://developers.google.com/identity/protocols/oauth2/web-server#offline',
    cases: [
      fresh({ ...TOKEN, expires_in: 3599, scope: 'https://www.googleapis.com/auth/cloud-platform' }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'Token has been expired or revoked.')),
      },
      {
        when: 'an administrator wants a new login',
        means: 'ended',
        responds: json(400, {
          ...error('invalid_grant', 'reauth related error (invalid_rapt)'),
          error_subtype: 'invalid_rapt',
        }),
      },
      {
        when: 'a wrong client',
        means: 'refused',
        responds: json(401, error('invalid_client', 'The OAuth client was not found.')),
        says: /client 'client'|this workload/,
      },
      { when: 'down', means: 'down', responds: json(500, error('internal_failure', 'Backend Error')) },
    ],
  },
  {
    name: 'IBM Cloud IAM',
    reference: 'https://cloud.ibm.com/apidocs/iam-identity-token-api',
    cases: [
      fresh({ ...TOKEN, refresh_token: 'not_supported', expiration: 1_793_494_800, scope: 'ibm openid' }),
      {
        when: 'a wrong key',
        means: 'refused',
        responds: json(400, {
          errorCode: 'BXNIM0415E',
          errorMessage: 'Provided API key could not be found.',
          context: {},
        }),
        says: /BXNIM0415E.*Provided API key could not be found/,
      },
      {
        when: 'rate limited',
        means: 'limited',
        responds: json(429, { errorCode: 'BXNIM0516E', errorMessage: 'Too many requests' }),
      },
    ],
  },
  {
    name: 'Databricks',
    reference: 'https://docs.databricks.com/dev-tools/auth/oauth-m2m',
    cases: [
      fresh({ ...TOKEN, scope: 'all-apis' }),
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(401, { ...error('invalid_client', 'Client authentication failed'), error_id: 'x' }),
      },
      {
        when: 'its own words',
        means: 'refused',
        responds: json(400, {
          error_code: 'INVALID_PARAMETER_VALUE',
          message: 'Unsupported subject token type',
        }),
        says: /INVALID_PARAMETER_VALUE.*Unsupported subject token type/,
      },
      { when: 'a login page of the workspace', means: 'page', responds: html(200, 'Databricks - Sign In') },
    ],
  },
  {
    name: 'Atlassian',
    reference: 'https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/',
    cases: [
      rotated({ ...ROTATED, scope: 'read:jira-work offline_access' }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(403, error('invalid_grant', 'Unknown or invalid refresh token.')),
      },
      {
        when: 'a wrong client',
        means: 'refused',
        responds: json(403, error('unauthorized_client', 'refresh_token is invalid')),
        says: /refresh_token is invalid/,
      },
    ],
  },
  {
    name: 'Zitadel',
    reference: 'https://github.com/zitadel/zitadel/issues/11892',
    cases: [
      rotated({ ...ROTATED, id_token: 'e30.e30.' }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'Errors.OIDCSession.RefreshTokenInvalid')),
      },
      {
        when: 'what it cannot read',
        means: 'refused',
        responds: json(400, error('invalid_request', 'Errors.User.Code.Invalid')),
        says: /invalid_request/,
      },
    ],
  },
  {
    name: 'PingFederate',
    reference: 'https://github.com/oauth2-proxy/oauth2-proxy/issues/3485',
    cases: [
      fresh({ ...TOKEN, expires_in: 7199 }),
      rotated(),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'unknown, invalid, or expired refresh token')),
      },
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(401, error('invalid_client', 'Invalid client or client credentials.')),
        says: /Invalid client or client credentials/,
      },
    ],
  },
  {
    name: 'Amazon Cognito',
    reference: 'https://github.com/aws/aws-sdk-js/issues/3836',
    cases: [
      fresh({ ...TOKEN, id_token: 'e30.e30.' }),
      rotated({ ...ROTATED, id_token: 'e30.e30.' }),
      { when: 'expired login', means: 'ended', responds: json(400, { error: 'invalid_grant' }) },
      {
        when: 'a wrong client',
        means: 'refused',
        responds: json(400, { error: 'invalid_client' }),
        says: /client 'client'|this workload/,
      },
      {
        when: 'rate limited',
        means: 'limited',
        responds: { status: 429, body: 'Rate exceeded', type: 'text/plain' },
      },
    ],
  },
  {
    name: 'GitLab',
    reference: 'https://github.com/Dynatrace/ace-box/issues/580',
    cases: [
      rotated({ ...ROTATED, expires_in: 7200, created_at: 1_607_635_748 }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(
          400,
          error(
            'invalid_grant',
            'The provided authorization grant is invalid, expired, revoked, does not match the redirection URI.',
          ),
        ),
      },
      {
        when: 'a wrong client',
        means: 'refused',
        responds: json(401, error('invalid_client', 'Client authentication failed due to unknown client.')),
        says: /unknown client/,
      },
      { when: 'down', means: 'down', responds: html(502, 'GitLab is not responding (502)') },
    ],
  },
  {
    name: 'Bitbucket',
    reference:
      'https://community.atlassian.com/t5/Bitbucket-questions/How-do-I-refresh-a-token/qaq-p/1545002',
    cases: [
      rotated({ ...ROTATED, scopes: 'account repository', token_type: 'bearer', state: 'refresh_token' }),
      {
        when: 'an ended refresh token, which it calls a bad request',
        means: 'refused',
        responds: json(400, error('invalid_request', 'Invalid refresh_token')),
        says: /invalid_request.*Invalid refresh_token/,
        assumed: 'the status',
      },
      {
        when: 'a wrong client (github.com/p2/OAuth2/issues/96)',
        means: 'refused',
        responds: json(
          400,
          error('unauthorized_client', 'Requests must be authenticated using OAuth client credentials'),
        ),
        says: /must be authenticated using OAuth client credentials.*allow the grant/,
        assumed: 'the status',
      },
    ],
  },
  {
    name: 'Dropbox',
    reference: 'https://github.com/nextcloud/integration_dropbox/issues/34',
    cases: [
      fresh({ ...TOKEN, token_type: 'bearer', expires_in: 14_400 }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'refresh token is invalid or revoked')),
      },
      {
        when: 'what is no refresh token',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'refresh token is malformed')),
      },
      {
        when: 'a wrong client, in a sentence',
        means: 'refused',
        responds: json(400, { error: 'invalid_client: Invalid client_id or client_secret' }),
        says: /\(400, invalid_client\).*Invalid client_id or client_secret.*does not accept/,
      },
    ],
  },
  {
    name: 'HubSpot',
    reference: 'https://nango.dev/blog/hubspot-oauth-bad-refresh-token',
    cases: [
      rotated({ ...ROTATED, expires_in: 1800, token_type: 'bearer' }),
      {
        when: 'its own words for an expired login, which are no code of OAuth',
        means: 'refused',
        responds: json(400, { status: 'BAD_REFRESH_TOKEN', message: 'missing or invalid refresh token' }),
        says: /BAD_REFRESH_TOKEN.*missing or invalid refresh token/,
      },
      {
        when: 'the words of its next version',
        means: 'refused',
        responds: json(400, {
          message: 'Invalid refresh token',
          correlationId: 'aeb5f871-7f07-4993-9211-075dc63e7cbf',
          category: 'VALIDATION_ERROR',
        }),
        says: /Invalid refresh token/,
      },
    ],
  },
  {
    name: 'X',
    reference: 'https://github.com/plhery/node-twitter-api-v2/issues/496',
    cases: [
      rotated({ ...ROTATED, token_type: 'bearer', expires_in: 7200, scope: 'tweet.read offline.access' }),
      {
        when: 'a spent refresh token, which it calls a bad request',
        means: 'refused',
        responds: json(400, error('invalid_request', 'Value passed for the token was invalid.')),
        says: /Value passed for the token was invalid/,
      },
    ],
  },
  {
    name: 'Spotify',
    reference: 'https://github.com/home-assistant/core/issues/124333',
    cases: [
      fresh({ ...TOKEN, scope: 'user-read-private' }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'Refresh token revoked')),
      },
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(400, error('invalid_client', 'Invalid client secret')),
        says: /Invalid client secret/,
      },
    ],
  },
  {
    name: 'Snowflake',
    reference: 'https://docs.snowflake.com/en/user-guide/oauth-custom#unsuccessful-response-example',
    cases: [
      fresh({ ...TOKEN, expires_in: 600, username: 'ME', scope: 'session:role:X', idpInitiated: false }),
      // The response if single-use refresh tokens are on (github.com/lightdash/lightdash/issues/22831).
      rotated({ ...ROTATED, expires_in: 600, username: 'ME', idpInitiated: false }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, {
          data: null,
          error: 'invalid_grant',
          code: null,
          message: 'The provided grant or refresh token is invalid.',
          success: false,
        }),
        assumed: 'the status',
      },
      {
        when: 'a wrong client',
        means: 'refused',
        responds: json(400, {
          data: null,
          error: 'invalid_client',
          code: null,
          message: 'This is an invalid client.',
          success: false,
        }),
        says: /This is an invalid client/,
      },
    ],
  },
  {
    name: 'SAP XSUAA (Cloud Foundry UAA)',
    reference: 'https://github.com/spring-attic/spring-cloud-app-broker/issues/341',
    cases: [
      fresh({ ...TOKEN, expires_in: 43_199, scope: 'uaa.resource', jti: 'j' }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(401, error('invalid_token', 'Invalid refresh token (expired)')),
      },
      {
        when: 'down, also of a refresh token that it cannot read',
        means: 'down',
        responds: json(500, error('server_error', 'Internal Server Error')),
      },
      {
        when: 'a wrong secret',
        means: 'refused',
        responds: json(401, error('unauthorized', 'Bad credentials')),
        says: /Bad credentials.*client 'client'|Bad credentials.*this workload/,
      },
    ],
  },
  {
    name: 'Discord',
    reference: 'https://github.com/discord/discord-api-docs/issues/1650',
    cases: [
      rotated({ ...ROTATED, expires_in: 604_800 }),
      { when: 'expired login', means: 'ended', responds: json(400, { error: 'invalid_grant' }) },
      {
        when: 'a spent refresh token, as it was said until 2020',
        means: 'refused',
        responds: json(400, error('invalid_request', 'Invalid "refresh_token" in request.')),
        says: /invalid_request.*Invalid "refresh_token" in request/,
      },
      {
        when: 'banned by what stands before it',
        means: 'limited',
        responds: {
          ...html(429, 'Error 1015: You are being rate limited'),
          headers: { 'retry-after': '60' },
        },
      },
      {
        when: 'rate limited, twice over',
        means: 'limited',
        responds: json(
          429,
          { message: 'You are being rate limited.', retry_after: 64.57, global: false },
          { 'retry-after': '65, 65' },
        ),
      },
    ],
  },
  {
    name: 'Linear',
    reference: 'https://nango.dev/blog/linear-oauth-refresh-token-invalid-grant',
    cases: [
      rotated({ ...ROTATED, expires_in: 86_399, scope: 'read write' }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'Token has been expired or revoked.')),
      },
    ],
  },
  {
    name: 'Notion',
    reference: 'https://nango.dev/blog/notion-oauth-refresh-token-invalid-grant',
    cases: [
      rotated({ ...ROTATED, token_type: 'bearer', bot_id: 'b', workspace_id: 'w', owner: { type: 'user' } }),
      {
        when: 'expired login',
        means: 'ended',
        responds: json(400, error('invalid_grant', 'Token has been expired or revoked.')),
      },
      {
        when: 'the words of its API',
        means: 'refused',
        responds: json(401, {
          object: 'error',
          status: 401,
          code: 'unauthorized',
          message: 'API token is invalid.',
        }),
        says: /unauthorized.*API token is invalid/,
      },
    ],
  },
  {
    name: 'any server',
    reference: 'RFC 6749 section 5; what proxies in front of it do',
    cases: [
      { when: 'its type is missing', means: 'token', responds: { ...json(200, ROTATED), type: '' } },
      { when: 'its type is HTML', means: 'token', responds: { ...json(200, ROTATED), type: 'text/html' } },
      {
        when: 'a refusal as HTML',
        means: 'ended',
        responds: { ...json(400, error('invalid_grant', 'expired')), type: 'text/html' },
      },
      {
        when: 'a mark of byte order',
        means: 'token',
        responds: {
          ...json(200, `\uFEFF${JSON.stringify(ROTATED)}`),
          type: 'application/json; charset=utf-8',
        },
      },
      { when: 'a list of one', means: 'token', responds: json(200, [ROTATED]) },
      {
        when: 'a name that comes twice: the last one counts',
        means: 'token',
        responds: json(200, '{"access_token":"old","access_token":"fresh","token_type":"Bearer"}'),
      },
      { when: 'no type of the token', means: 'token', responds: json(200, { access_token: 'fresh' }) },
      {
        when: 'an error of null beside the token',
        means: 'token',
        responds: json(200, { ...ROTATED, error: null, code: 0 }),
      },
      {
        when: 'lifetimes that make no sense',
        means: 'token',
        responds: json(200, { ...ROTATED, expires_in: -1, expires_at: 'never', expiration: 1e300 }),
      },
      {
        when: 'an old word for a code that does not exist',
        means: 'ended',
        responds: json(400, error('bad_verification_code', 'The code passed is incorrect or expired.')),
      },
      {
        when: 'a spent refresh token as a bad request (better-auth, FlowFuse and others, until they mended it)',
        means: 'refused',
        responds: json(400, error('invalid_request', 'session not found')),
        says: /invalid_request.*session not found/,
      },
      { when: 'a captive portal', means: 'page', responds: html(200, 'Welcome to our WLAN') },
      { when: 'a firewall', means: 'down', responds: html(403, 'Request blocked') },
      { when: 'nothing', means: 'page', responds: { status: 200, body: '', type: '' } },
      { when: 'slow', means: 'token', responds: { ...json(200, ROTATED), after: 9_000 } },
    ],
  },
]
