import {
  anthropic,
  aws,
  azure,
  events,
  type EventShape,
  failed,
  google,
  https,
  type HttpShape,
  jsonRpc,
  openai,
  thrown,
  type ThrownShape,
  toolResult,
} from './types.ts'

/** Responses of gateways and vendors, from public issues: the credential is no good. */
export const FIELD_HTTP_REJECTIONS: readonly HttpShape[] = https([
  // Statuses that stand for nothing but a credential that is no good.
  ['ArcGIS', 498, { error: { code: 498, message: 'Invalid token.', details: [] } }, 'arcgis-rest-js#953'],
  ['ArcGIS', 498, { error: { code: 498, message: 'Invalid Token', details: [] } }, 'resource-proxy#138'],
  [
    'Iceberg REST',
    419,
    { error: { message: 'Credentials have timed out', type: 'AuthenticationTimeoutException', code: 419 } },
    'lakekeeper#1027',
  ],
  ['a Django gateway', 419, { detail: 'Signature has expired.' }, 'django-rest-framework-jwt#158'],
  // A name alone in the place of a sentence, or behind the name of a status.
  ['Bitbucket', 403, { type: 'error', error: { message: 'TokenExpiredError' } }, 'git-lfs-migrate#44'],
  ['a Copilot gateway', 403, 'unauthorized: token expired\n', 'eca#258'],
  // A gateway gives another's 401 a status of its own, and states it in the body.
  [
    'LiteLLM',
    500,
    openai(
      'litellm.AuthenticationError: AuthenticationError: OpenAIException - expired',
      'auth_error',
      '401',
    ),
    'litellm#16476',
  ],
  [
    'LiteLLM',
    400,
    openai('Authentication Error, token expired', 'auth_error', 401),
    'LiteLLM proxy exceptions',
  ],
  [
    'New API',
    500,
    { error: { message: 'no', type: 'new_api_error', param: '', code: 'invalid_api_key' } },
    'one-api and new-api wrap all of a channel',
  ],
  ['a gateway', 500, { error: { code: 401, message: 'Unauthorized' } }, 'OpenRouter shape'],
  ['a gateway', 500, { statusCode: 401, message: 'Unauthorized' }, 'Nest, around another'],
  ['a gateway', 400, { error: { type: 'authentication_error', message: 'no' } }, 'Anthropic shape'],
  ['a gateway', 400, anthropic('authentication_error', 'OAuth token has expired'), 'a proxy to Anthropic'],
  ['a gateway', 500, google(401, 'UNAUTHENTICATED', 'expired'), 'a proxy to Vertex'],
  ['a gateway', 400, openai('no', 'invalid_request_error', 'token_expired'), 'a proxy to OpenAI'],
  [
    'Portkey',
    500,
    {
      error: { message: 'openai error: no', type: 'invalid_request_error', code: 'invalid_api_key' },
      provider: 'openai',
    },
    'Portkey, error of a provider',
  ],
  [
    'BetterChatGPT',
    400,
    {
      error: {
        code: 'error',
        message: {
          code: 'token_expired',
          message: 'Your authentication token has expired.',
          type: 'invalid_request_error',
        },
        type: '401 Unauthorized',
      },
    },
    'BetterChatGPT#419',
  ],
  [
    'OpenAI',
    401,
    {
      error: { message: 'Provided authentication token is expired.', type: null, code: 'token_expired' },
      status: 401,
      detail: { code: 'token_expired' },
    },
    'humanlayer#1088',
  ],
  [
    'OpenAI',
    401,
    openai('Your API key was revoked because it was leaked.', null, 'invalid_api_key'),
    'a leaked key',
  ],
  [
    'OpenAI',
    401,
    openai('Your account has been deactivated', 'invalid_request_error', 'account_deactivated'),
    '401 is 401: one refresh, bounded',
  ],
  ['OpenAI', 401, openai('IP not authorized', null, 'ip_not_authorized'), '401 is 401'],
  ['OpenRouter', 401, { error: { message: 'User not found.', code: 401 } }, 'space-agent#54'],
  [
    'an opencode gateway',
    401,
    '{"error":{"message":"User not found.","code":401}}data: {"choices":[],"cost":"0"}',
    'opencode#14252',
  ],
  [
    'OpenGateway',
    401,
    openai('API key required', 'authentication_error', 'api_key_required'),
    'openclaude#1809',
  ],
  [
    'Cloudflare AI Gateway',
    401,
    { success: false, error: [{ code: 2009, message: 'no' }], name: 'AiGatewayError', internalCode: 2009 },
    'cloudflare-docs#31050',
  ],
  [
    'AWS Bedrock',
    403,
    aws(
      'InvalidSignatureException',
      'Signature expired: 20250130T203827Z is now earlier than 20250130T204131Z',
    ),
    'anthropic-sdk-go#122: a new signature is good',
  ],
  [
    'AWS Bedrock',
    403,
    {
      message:
        'Signature expired: 20250130T203827Z is now earlier than 20250130T204131Z (20250130T204631Z - 5 min.)',
    },
    'anthropic-sdk-go#122',
  ],
  [
    'AWS Bedrock',
    403,
    aws(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    ),
    'keys that were rotated',
  ],
  ['AWS S3', 403, '<Error><Code>SignatureDoesNotMatch</Code></Error>', 'keys that were rotated'],
  ['AWS Bedrock', 400, aws('UnrecognizedClientException', 'no'), 'aws-azure-login#37'],
  [
    'AWS Bedrock',
    403,
    { message: 'The security token included in the request is invalid' },
    'vercel/ai#4163',
  ],
  [
    'Databricks',
    403,
    '<html><head><title>Error 403 Token is expiring within 30 seconds. (token expired)</title></head></html>',
    'databricks-vscode#583',
  ],
  [
    'Snowflake',
    401,
    { code: '390198', message: 'Keypair access token expired. ...x' },
    'rb-snowflake-client#170',
  ],
  ['Snowflake', 401, { code: '390303', message: 'Invalid OAuth access token. [x]' }, 'Snowflake REST API'],
  [
    'Google Vertex',
    401,
    '',
    'quarkus-langchain4j#825',
    { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' },
  ],
  ['Copilot', 401, 'unauthorized: token expired', 'copilot-api#104'],
  ['a Go gateway', 401, 'token is expired by 3h2m', 'golang-jwt'],
  ['a gateway', 403, { error: { code: 'expired_token', message: 'no' } }, 'a name that says it plainly'],
  ['a gateway', 403, { message: 'The access token has expired' }, 'a sentence that says it plainly'],
  ['Mistral', 401, { message: 'Unauthorized', request_id: 'c61f2f15' }, 'cline#1734'],
])

/** From the same places: something else. */
export const FIELD_HTTP_OTHERS: readonly HttpShape[] = https([
  // A form that is too old is no credential.
  ['Laravel', 419, '<title>Page Expired</title>', 'a page'],
  ['Laravel', 419, { message: 'CSRF token mismatch.' }, 'a form'],
  [
    'a gateway',
    419,
    { error: { message: 'Insufficient space on resource', type: 'client_error' } },
    'a disk',
  ],
  ['OpenAI', 403, openai('The key lacks the required scopes', null, 'insufficient_scope'), 'restricted keys'],
  [
    'OpenAI',
    403,
    openai('IP 10.0.4.1 is not in the allow list', null, 'ip_not_authorized'),
    'IP allow lists',
  ],
  ['OpenAI', 429, openai('Billing hard limit', 'billing_error', 'billing_hard_limit_reached'), 'billing'],
  [
    'OpenAI',
    400,
    openai('Billing hard limit', 'invalid_request_error', 'billing_hard_limit_reached'),
    'billing',
  ],
  ['OpenAI', 403, openai('no', 'invalid_request_error', 'unsupported_country_region_territory'), 'regions'],
  [
    'OpenAI',
    403,
    openai('Your organization has been disabled', null, 'organization_disabled'),
    'an organization',
  ],
  ['OpenAI', 400, openai("Invalid token: '<|endoftext|>'", 'invalid_request_error', null), 'a tokenizer'],
  [
    'OpenAI',
    400,
    openai('401 tokens are too many', 'invalid_request_error', 'context_length_exceeded'),
    'a limit',
  ],
  [
    'OpenAI',
    400,
    openai(
      'Error while downloading https://example.com/cat.png: HTTP 401',
      'invalid_request_error',
      'invalid_image_url',
    ),
    'an image that needs a login',
  ],
  [
    'a gateway',
    400,
    { error: { code: 401, message: 'Failed to download image: 401 Unauthorized' } },
    'an image that needs a login',
  ],
  ['OpenAI', 500, openai('The tool server answered 401', 'server_error', null), 'a hosted tool'],
  [
    'OpenAI',
    424,
    openai('Error retrieving tools: 401 Unauthorized', 'external_connector_error', 'http_error'),
    'MCP',
  ],
  ['OpenRouter', 502, { error: { code: 502, message: 'Provider returned error' } }, 'the gateway’s own key'],
  ['a gateway', 503, { error: { code: 401, message: 'no' } }, 'a status that no rule names'],
  ['a gateway', 404, { error: { code: 401, message: 'no' } }, 'a status that no rule names'],
  [
    'a gateway',
    403,
    { error: { code: 'unauthorized', message: 'You may not do this' } },
    'a permission, by 403',
  ],
  ['a gateway', 500, { error: { message: '401 Unauthorized' } }, 'words beside a status'],
  ['a gateway', 500, openai('authentication backend is down', 'server_error', 'internal_error'), 'words'],
  ['a gateway', 400, { error: { code: 400, message: 'Unauthorized' } }, 'it states the same status'],
  ['Anthropic', 400, anthropic('invalid_request_error', 'messages.401: tool_use ids were found'), 'a number'],
  [
    'Anthropic',
    400,
    anthropic('invalid_request_error', 'This organization has been disabled.'),
    'an organization',
  ],
  [
    'Anthropic',
    403,
    anthropic('permission_error', 'OAuth authentication is currently not allowed for this organization.'),
    'a policy',
  ],
  [
    'Anthropic',
    400,
    anthropic('invalid_request_error', 'You have reached your specified API usage limits.'),
    'a quota',
  ],
  [
    'Anthropic',
    400,
    anthropic('invalid_request_error', 'prompt is too long: 401000 tokens > 200000 maximum'),
    'a limit',
  ],
  [
    'AWS Bedrock',
    403,
    aws(
      'InvalidSignatureException',
      'Signature not yet current: 20131120T113529Z is still later than 20131120T104538Z',
    ),
    'glacier-cli#36: a clock',
  ],
  [
    'AWS Bedrock',
    403,
    aws('AccessDeniedException', 'You are not authorized: no identity-based policy'),
    'IAM',
  ],
  ['AWS Bedrock', 400, aws('ValidationException', 'The provided model identifier is invalid.'), 'a model'],
  ['AWS Bedrock', 429, aws('ThrottlingException', 'Too many tokens per day'), 'a quota'],
  ['Google Gemini', 400, google(400, 'INVALID_ARGUMENT', 'The token count 401 exceeds 400'), 'a limit'],
  [
    'Google Gemini',
    403,
    google(403, 'PERMISSION_DENIED', 'Consumer has been suspended.', 'CONSUMER_SUSPENDED'),
    'billing',
  ],
  ['Google Vertex', 400, google(400, 'FAILED_PRECONDITION', 'Page token has expired'), 'a page token'],
  [
    'Databricks',
    400,
    { error_code: 'BAD_REQUEST', message: 'The pagination token is expired' },
    'a page token',
  ],
  ['Azure OpenAI', 400, azure('DeploymentNotFound', 'no'), 'a model'],
  [
    'Azure OpenAI',
    403,
    azure('PermissionDenied', 'Principal does not have access to API/Operation.'),
    'a role',
  ],
  ['MCP server', 500, jsonRpc(3, -32_000, 'no', { code: 401 }), 'a method failed'],
  ['MCP server', 400, jsonRpc(3, 401, 'Unauthorized'), 'a method failed with a number of its own'],
  ['MCP server', 400, toolResult('401 Unauthorized'), 'a result'],
])

/** Thrown by clients, as their sources make them. */
export const FIELD_THROWN_REJECTIONS: readonly ThrownShape[] = thrown([
  ['httpx', failed("Client error '401 Unauthorized' for url 'https://api.example.com'"), 'a Python sidecar'],
  ['gRPC', { code: 16, details: 'no', metadata: {} }, '@grpc/grpc-js'],
  ['gRPC', { code: 'UNAUTHENTICATED', message: 'no' }, 'protobuf-ts RpcError'],
  ['gRPC', { code: 'unauthenticated', rawMessage: 'no' }, 'Connect'],
  ['AWS SDK', failed('no', { name: 'ExpiredTokenException', $metadata: { httpStatusCode: 403 } }), 'smithy'],
  [
    'AWS SDK',
    failed('Signature expired: x', { name: 'InvalidSignatureException', $metadata: { httpStatusCode: 403 } }),
    'smithy',
  ],
  [
    'AI SDK Bedrock',
    failed('no', {
      name: 'AI_APICallError',
      statusCode: 403,
      url: 'https://x',
      responseHeaders: { 'x-amzn-errortype': 'ExpiredTokenException' },
      responseBody: '{"message":"no"}',
    }),
    'APICallError',
  ],
  [
    'OpenAI SDK',
    failed('401 status code (no body)', { status: 401, headers: new Headers() }),
    'AuthenticationError',
  ],
  [
    'OpenAI SDK',
    failed('no', { status: undefined, code: 'token_expired', error: { code: 'token_expired' } }),
    'an error event',
  ],
  [
    'Cohere SDK',
    failed('no', { statusCode: 401, body: { message: 'invalid api token' } }),
    'UnauthorizedError',
  ],
  ['Portkey SDK', failed('no', { name: 'AuthenticationError', status: 401 }), 'AuthenticationError'],
  [
    'LiteLLM',
    { error: { message: 'no', type: 'auth_error', param: 'None', code: '401' } },
    'a body without its status',
  ],
  [
    'LangChain',
    failed('no', { name: 'AuthenticationError', lc_error_code: 'MODEL_AUTHENTICATION' }),
    'errors',
  ],
  ['AI SDK', failed('no', { name: 'GatewayAuthenticationError', statusCode: 401 }), 'gateway'],
  [
    'AI SDK',
    failed('x', {
      name: 'AI_APICallError',
      statusCode: 200,
      url: 'https://x',
      responseBody: '{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}',
    }),
    'a 200 around an error',
  ],
  [
    'AI SDK',
    failed('x', {
      name: 'AI_APICallError',
      statusCode: 200,
      url: 'https://x',
      responseBody: '{"error":{"message":"expired","type":"authentication_error"}}',
    }),
    'a 200 around an error',
  ],
  [
    'a cause',
    failed('Connection error.', { cause: failed('no', { status: 401 }) }),
    'a client that calls it so',
  ],
])

export const FIELD_THROWN_OTHERS: readonly ThrownShape[] = thrown([
  ['gRPC', { code: 7, details: 'token expired', metadata: {} }, 'PERMISSION_DENIED'],
  ['gRPC', { code: 8, details: '401', metadata: {} }, 'RESOURCE_EXHAUSTED'],
  ['gRPC', { code: 'PERMISSION_DENIED', message: 'Unauthorized' }, 'protobuf-ts RpcError'],
  ['gRPC', failed('rpc error: code = PermissionDenied desc = unauthenticated user'), 'Go'],
  ['gRPC', failed('rpc error: code = Unavailable desc = authentication failed'), 'Go'],
  ['gRPC', failed('rpc error: code = Internal desc = 401 Unauthorized'), 'Go'],
  ['gRPC', failed('Status(StatusCode="PermissionDenied", Detail="token expired")'), '.NET'],
  [
    'tiktoken',
    failed("Encountered text corresponding to disallowed special token '<|endoftext|>'."),
    'tiktoken',
  ],
  [
    'tiktoken',
    failed('The text contains a special token that is not allowed: <|endoftext|>'),
    'tiktoken for JS',
  ],
  ['Node', failed('Invalid or unexpected token', { name: 'SyntaxError' }), 'a parser'],
  ['zod', failed('[{"code":"invalid_type","message":"401 Unauthorized"}]', { name: 'ZodError' }), 'a schema'],
  [
    'OpenAI SDK',
    failed('403 IP not allowed', { status: 403, code: 'ip_not_authorized' }),
    'PermissionDeniedError',
  ],
  ['OpenAI SDK', failed('429 no', { status: 429, code: 'insufficient_quota' }), 'RateLimitError'],
  ['OpenAI SDK', failed('Request was aborted.', { name: 'APIUserAbortError' }), 'an abort'],
  [
    'Anthropic SDK',
    failed('no', {
      status: 400,
      error: anthropic('invalid_request_error', 'This organization has been disabled.'),
    }),
    'an organization',
  ],
  [
    'AI SDK',
    failed('x', {
      name: 'AI_APICallError',
      statusCode: 200,
      url: 'https://x',
      responseBody: '{"choices":[{"message":{"content":"{\\"error\\":{\\"code\\":401}}"}}]}',
    }),
    'a model that writes JSON',
  ],
  ['AI SDK', failed('x', { name: 'AI_NoSuchToolError', message: '401 Unauthorized' }), 'a tool'],
  ['AI SDK', failed('x', { name: 'AI_LoadAPIKeyError' }), 'a key that is not configured'],
  [
    'retry',
    failed('500', { status: 500, cause: failed('no', { status: 401 }) }),
    'the outermost status counts',
  ],
  ['undici', failed('Response status code 404', { statusCode: 404, body: { code: 401 } }), 'ResponseError'],
])

export const FIELD_EVENT_REJECTIONS: readonly EventShape[] = events([
  [
    'LiteLLM',
    '',
    { error: { message: 'no', type: 'auth_error', param: 'None', code: '401' } },
    'LiteLLM streaming',
  ],
  ['OpenRouter', '', { error: { code: 401, message: 'User not found.' } }, 'OpenRouter streaming'],
  ['New API', 'error', openai('no', 'new_api_error', 'invalid_api_key'), 'new-api streaming'],
  ['Bedrock', 'error', { __type: 'ExpiredTokenException', message: 'no' }, 'a gateway to Bedrock'],
  [
    'Azure',
    'error',
    { statusCode: 401, message: 'Unauthorized. Access token is missing, invalid.' },
    'Foundry',
  ],
])

export const FIELD_EVENT_OTHERS: readonly EventShape[] = events([
  [
    'OpenAI',
    'error',
    { type: 'error', code: 'context_length_exceeded', message: '401 tokens over' },
    'a limit',
  ],
  ['OpenAI', '', openai("Invalid token: '<|im_end|>'", 'invalid_request_error', null), 'a tokenizer'],
  [
    'OpenAI',
    'error',
    { type: 'error', code: 'insufficient_quota', message: 'Unauthorized spend' },
    'a quota',
  ],
  ['Anthropic', 'error', anthropic('permission_error', 'not allowed for this organization'), 'a policy'],
  ['a model', 'message', { choices: [{ delta: { content: 'HTTP 401 Unauthorized' } }] }, 'what a model says'],
])
