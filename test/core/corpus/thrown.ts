import { anthropic, failed, google, jsonRpc, openai, thrown, type ThrownShape, toolResult } from './types.ts'

const SSE = { 'content-type': 'text/event-stream' }

/** Errors and values that say that the credential is no good. */
export const THROWN_REJECTIONS: readonly ThrownShape[] = thrown([
  ['a gateway', { type: 'https://example.com/problems/invalid-token', title: 'no' }, 'RFC 9457'],
  [
    'a GraphQL gateway',
    { errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED' } }] },
    'Apollo error codes',
  ],
  [
    'a gateway',
    {
      error: {
        message: JSON.stringify(google(400, 'INVALID_ARGUMENT', 'API Key not found.', 'API_KEY_INVALID')),
        code: 400,
        status: 'Bad Request',
      },
    },
    'gemini-cli#25198',
  ],
  ['Baidu', { error_code: 111, error_msg: 'Access token expired' }, 'Qianfan, whose codes are no statuses'],
  [
    'OpenAI SDK',
    failed('401 Incorrect API key provided', {
      status: 401,
      code: 'invalid_api_key',
      type: 'invalid_request_error',
    }),
    'APIError.generate',
  ],
  [
    'Anthropic SDK',
    failed('401 {"type":"error"}', {
      status: 401,
      error: anthropic('authentication_error', 'invalid x-api-key'),
    }),
    'APIError.generate',
  ],
  [
    'Anthropic SDK',
    failed('{"type":"error"}', { status: undefined, error: anthropic('authentication_error', 'expired') }),
    'an error event in a stream',
  ],
  [
    'Google GenAI SDK',
    failed(JSON.stringify(google(400, 'INVALID_ARGUMENT', 'API key expired.', 'API_KEY_INVALID')), {
      name: 'ApiError',
      status: 400,
    }),
    'ApiError',
  ],
  [
    'Google generative-ai',
    failed(
      '[GoogleGenerativeAI Error]: Error fetching: [400 Bad Request] API key not valid. Please pass a valid API key.',
      { status: 400, errorDetails: [{ reason: 'API_KEY_INVALID' }] },
    ),
    'GoogleGenerativeAIFetchError',
  ],
  [
    'Google Vertex SDK',
    failed('[VertexAI.ClientError]: got status: 401 Unauthorized. {"error":{"code":401}}'),
    'ClientError',
  ],
  [
    'gaxios',
    failed('Request failed with status code 401', {
      code: '401',
      response: { status: 401, data: { error: 'unauthorized' } },
    }),
    'GaxiosError',
  ],
  [
    'axios',
    failed('Request failed with status code 401', {
      name: 'AxiosError',
      code: 'ERR_BAD_REQUEST',
      response: { status: 401, data: '' },
    }),
    'AxiosError',
  ],
  [
    'axios',
    {
      message: 'Request failed with status code 401',
      name: 'AxiosError',
      code: 'ERR_BAD_REQUEST',
      status: null,
    },
    'AxiosError, as JSON',
  ],
  [
    'got',
    failed('Response code 401 (Unauthorized)', { name: 'HTTPError', code: 'ERR_NON_2XX_3XX_RESPONSE' }),
    'HTTPError',
  ],
  [
    'ky',
    failed('Request failed with status code 401 Unauthorized: POST https://x/', { name: 'HTTPError' }),
    'HTTPError',
  ],
  [
    'Mistral SDK',
    failed('API error occurred: Status 401', {
      name: 'SDKError',
      statusCode: 401,
      body: '{"detail":"Unauthorized"}',
    }),
    'SDKError',
  ],
  [
    'Cohere SDK',
    failed('UnauthorizedError\nStatus code: 401\nBody: {}', { name: 'UnauthorizedError', statusCode: 401 }),
    'UnauthorizedError',
  ],
  ['Ollama SDK', failed('unauthorized', { name: 'ResponseError', status_code: 401 }), 'ResponseError'],
  [
    'Hugging Face SDK',
    failed('Failed to perform inference', {
      name: 'InferenceClientProviderApiError',
      httpResponse: { status: 401, body: { error: 'Invalid username or password.' } },
    }),
    'InferenceClientProviderApiError',
  ],
  [
    'AWS SDK',
    failed('The security token included in the request is expired', {
      name: 'ExpiredTokenException',
      $fault: 'client',
      $metadata: { httpStatusCode: 403 },
    }),
    'ServiceException',
  ],
  ['AWS SDK', failed('no', { name: 'UnrecognizedClientException', $metadata: {} }), 'ServiceException'],
  ['AWS SDK', failed('no', { Code: 'ExpiredToken', $metadata: {} }), 'ServiceException'],
  ['AWS SDK', failed('Request has expired', { name: 'RequestExpired', $metadata: {} }), 'EC2'],
  ['AWS SDK', failed('no', { name: 'InvalidClientTokenId', $metadata: { httpStatusCode: 403 } }), 'STS'],
  ['Azure SDK', failed('no', { name: 'RestError', code: 'ExpiredAuthenticationToken' }), 'RestError'],
  [
    'gRPC',
    failed('16 UNAUTHENTICATED: Request had invalid authentication credentials.', {
      code: 16,
      details: 'no',
      metadata: {},
    }),
    '@grpc/grpc-js ServiceError',
  ],
  [
    'Connect',
    failed('[unauthenticated] token expired', { name: 'ConnectError', code: 16, metadata: new Headers() }),
    'ConnectError',
  ],
  ['Twirp', { code: 'unauthenticated', msg: 'no', meta: {} }, 'TwirpError'],
  [
    'MCP SDK',
    failed('Streamable HTTP error: Error POSTing to endpoint: denied', { code: 401 }),
    'StreamableHTTPError',
  ],
  ['MCP SDK', failed('SSE error: Non-200 status code (401)', { code: 401 }), 'SseError'],
  ['MCP SDK', failed('SSE error: Non-200 status code (401)'), 'SseError of an older version'],
  ['MCP SDK', failed('Unauthorized'), 'UnauthorizedError'],
  ['MCP server', jsonRpc(null, 401, 'Unauthorized'), 'an error without an id refuses the request itself'],
  ['LangChain', failed('no', { lc_error_code: 'MODEL_AUTHENTICATION' }), 'addLangChainErrorFields'],
  [
    'Vercel AI Gateway',
    failed('Unauthenticated request to AI Gateway', {
      name: 'GatewayAuthenticationError',
      type: 'authentication_error',
    }),
    'GatewayAuthenticationError',
  ],
  [
    'AI SDK',
    failed('Unauthorized', {
      name: 'AI_APICallError',
      statusCode: 401,
      url: 'https://x',
      responseHeaders: {},
    }),
    'APICallError',
  ],
  [
    'AI SDK',
    failed('Invalid JSON response', {
      name: 'AI_APICallError',
      statusCode: 200,
      url: 'https://x',
      responseHeaders: {},
      responseBody: '{"error":{"code":401,"message":"User not found."}}',
    }),
    'a 200 around an error',
  ],
  [
    'AI SDK',
    failed('Invalid JSON response', {
      name: 'AI_APICallError',
      statusCode: 200,
      url: 'https://x',
      responseHeaders: {},
      responseBody: JSON.stringify(openai('no', null, 'token_expired')),
    }),
    'a 200 around an error',
  ],
  [
    'AI SDK',
    failed('expired', {
      name: 'AI_APICallError',
      statusCode: 500,
      url: 'https://x',
      responseHeaders: SSE,
      responseBody: JSON.stringify(anthropic('authentication_error', 'expired')),
    }),
    'a status that was made up',
  ],
  [
    'AI SDK',
    failed('expired', {
      name: 'AI_APICallError',
      statusCode: 400,
      url: 'https://x',
      responseHeaders: {},
      responseBody: { error: { code: 'invalid_api_key', message: 'expired' } },
    }),
    'a status that was made up',
  ],
  [
    'AI SDK',
    {
      message: 'no',
      type: 'invalid_request_error',
      code: 'token_expired',
      statusCode: 400,
      isRetryable: false,
      data: openai('no', 'invalid_request_error', 'token_expired'),
    },
    'createProviderStreamError',
  ],
  [
    'AI SDK',
    failed('Type validation failed', {
      name: 'AI_TypeValidationError',
      value: google(401, 'UNAUTHENTICATED', 'expired'),
    }),
    'an error in an unexpected shape',
  ],
  [
    'AI SDK',
    failed('Failed after 2 attempts', {
      name: 'AI_RetryError',
      errors: [failed('x', { statusCode: 503 })],
      lastError: failed('x', { statusCode: 401 }),
    }),
    'RetryError',
  ],
  ['fetch', failed('fetch failed', { cause: failed('no', { statusCode: 401 }) }), 'a cause'],
  ['a provider', { type: 'invalid_request', message: 'HTTP 401: token expired' }, 'ChatOutcome'],
  ['a provider', { type: 'invalid_request', message: 'no', code: 'invalid_api_key' }, 'ChatOutcome'],
  [
    'a provider',
    { type: 'error', kind: 'invalid_request', message: 'Authentication failed' },
    'StreamErrorDelta',
  ],
  ['a provider', { type: 'error', kind: 'unknown', message: '401 Unauthorized' }, 'StreamErrorDelta'],
  ['a provider', { type: 'error', kind: 'server_error', message: 'no', status: 401 }, 'StreamErrorDelta'],
])

/** Errors and values that have nothing to do with the credential of this request. */
export const THROWN_OTHERS: readonly ThrownShape[] = thrown([
  ['Baidu', { error_code: 336100, error_msg: 'try again' }, 'Qianfan, whose codes are no statuses'],
  ['Node', failed('connect ECONNREFUSED 127.0.0.1:401', { code: 'ECONNREFUSED', syscall: 'connect' }), 'net'],
  ['Node', failed('read ECONNRESET', { code: 'ECONNRESET', cause: 'unauthorized' }), 'net'],
  ['Node', failed('getaddrinfo ENOTFOUND authentication.example', { code: 'ENOTFOUND' }), 'dns'],
  ['Node', failed('connect EACCES 10.0.0.1:401', { code: 'EACCES' }), 'net'],
  [
    'Node',
    failed('unable to verify the first certificate; client authentication', {
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    }),
    'tls',
  ],
  [
    'Node',
    failed('self-signed certificate in certificate chain', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
    'tls',
  ],
  [
    'Node',
    failed("Hostname/IP does not match certificate's altnames: authentication failed", {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    }),
    'tls',
  ],
  [
    'Node',
    failed('all addresses failed', {
      errors: [failed('connect ECONNREFUSED ::1:401', { code: 'ECONNREFUSED' })],
      code: 'ECONNREFUSED',
    }),
    'happy eyeballs',
  ],
  [
    'undici',
    failed('Proxy response (407) !== 200 when HTTP Tunneling: authentication required', {
      code: 'UND_ERR_ABORTED',
    }),
    'ProxyAgent',
  ],
  [
    'undici',
    failed('Headers Timeout Error: unauthorized', {
      code: 'UND_ERR_HEADERS_TIMEOUT',
      name: 'HeadersTimeoutError',
    }),
    'errors',
  ],
  [
    'undici',
    new TypeError('fetch failed', {
      cause: failed('other side closed: 401 Unauthorized', { code: 'UND_ERR_SOCKET' }),
    }),
    'fetch',
  ],
  ['Bun', failed('Unable to connect. Authentication failed?', { code: 'ConnectionRefused' }), 'fetch'],
  ['Bun', failed('The socket connection was closed. unauthorized', { code: 'ConnectionClosed' }), 'fetch'],
  ['Deno', failed('tcp connect error: 401 Unauthorized', { name: 'ConnectionRefused' }), 'errors'],
  ['DOM', new DOMException('The operation was aborted: 401', 'AbortError'), 'an abort'],
  ['DOM', new DOMException('Authentication failed in time', 'TimeoutError'), 'a timeout'],
  ['Node', failed('Unexpected token < in JSON at position 401', { name: 'SyntaxError' }), 'JSON.parse'],
  [
    'OpenAI SDK',
    failed('Connection error.', {
      cause: failed('connect ECONNREFUSED 1.1.1.1:401', { code: 'ECONNREFUSED' }),
    }),
    'APIConnectionError',
  ],
  [
    'OpenAI SDK',
    failed('429 Rate limit: authentication attempts', { status: 429, code: 'rate_limit_exceeded' }),
    'RateLimitError',
  ],
  [
    'OpenAI SDK',
    failed('Could not parse response content as the length limit was reached', {
      name: 'LengthFinishReasonError',
    }),
    'errors',
  ],
  [
    'Anthropic SDK',
    failed('overloaded', {
      status: undefined,
      error: anthropic('overloaded_error', 'authentication service overloaded'),
    }),
    'an error event in a stream',
  ],
  [
    'AWS SDK',
    failed('User is not authorized to perform: bedrock:InvokeModel', {
      name: 'AccessDeniedException',
      $metadata: {},
    }),
    'ServiceException',
  ],
  [
    'AWS SDK',
    failed('authentication slow down', { name: 'ThrottlingException', $metadata: { httpStatusCode: 429 } }),
    'ServiceException',
  ],
  ['AWS SDK', failed('Unauthorized model', { name: 'ValidationException' }), 'ServiceException'],
  [
    'Azure SDK',
    failed('Authentication failed in the data source', { name: 'RestError', code: 'BadRequest' }),
    'RestError',
  ],
  [
    'gRPC',
    failed('14 UNAVAILABLE: authentication handshake failed', {
      code: 14,
      details: 'authentication handshake failed',
      metadata: {},
    }),
    '@grpc/grpc-js ServiceError',
  ],
  [
    'gRPC',
    failed('7 PERMISSION_DENIED: unauthorized', { code: 7, details: 'unauthorized', metadata: {} }),
    '@grpc/grpc-js ServiceError',
  ],
  [
    'gRPC',
    failed('4 DEADLINE_EXCEEDED: 401', { code: 4, details: 'authentication', metadata: {} }),
    '@grpc/grpc-js ServiceError',
  ],
  [
    'MCP SDK',
    failed('MCP error -32603: Jira says: 401 Unauthorized', { code: -32_603, name: 'McpError' }),
    'McpError',
  ],
  ['MCP SDK', failed('MCP error -32001: Request timed out', { code: -32_001 }), 'McpError'],
  ['MCP server', toolResult('Creating the ticket: Jira answered 401 Unauthorized'), 'a result'],
  ['MCP server', jsonRpc(7, -32_603, 'Error: 401 Unauthorized'), 'a method failed'],
  ['MCP server', jsonRpc(7, 401, 'Unauthorized'), 'a method failed with a number of its own'],
  ['MCP server', jsonRpc(7, -32_000, 'no', { status: 401, type: 'authentication_error' }), 'a method failed'],
  ['MCP server', jsonRpc(null, -32_700, 'Parse error: unauthorized'), 'the specification'],
  ['a tool', failed("Tool 'github' failed: 401 Bad credentials"), 'a tool'],
  [
    'a tool',
    failed('Error executing tool fetch: HTTP 401', { name: 'AI_ToolExecutionError', cause: { status: 401 } }),
    'AI SDK 4',
  ],
  [
    'AI SDK',
    failed('Type validation failed: Value: {"choices":[{"delta":{"content":"HTTP 401 Unauthorized"}}]}', {
      name: 'AI_TypeValidationError',
      value: { choices: [{ delta: { content: 'HTTP 401 Unauthorized' } }] },
    }),
    'a chunk',
  ],
  [
    'AI SDK',
    failed('JSON parsing failed: Text: how authentication failed: 401 Unauthorized.', {
      name: 'AI_JSONParseError',
      text: '401 Unauthorized',
    }),
    'a chunk',
  ],
  [
    'AI SDK',
    failed('Invalid response data: {"text":"invalid_api_key"}', {
      name: 'AI_InvalidResponseDataError',
      data: { error: { code: 401 } },
    }),
    'a chunk',
  ],
  [
    'AI SDK',
    failed('No object generated: 401 Unauthorized', { name: 'AI_NoObjectGeneratedError', text: 'HTTP 401' }),
    'generateObject',
  ],
  [
    'AI SDK',
    failed('Invalid JSON response', {
      name: 'AI_APICallError',
      statusCode: 200,
      url: 'https://x',
      responseHeaders: {},
      responseBody: '{"choices":[{"message":{"content":"401 Unauthorized"}}]}',
    }),
    'a body that does not fit',
  ],
  [
    'AI SDK',
    failed('no', {
      name: 'AI_APICallError',
      statusCode: 500,
      url: 'https://x',
      responseHeaders: SSE,
      responseBody: JSON.stringify(openai('authentication backend timed out', 'server_error')),
    }),
    'a status that was made up',
  ],
  [
    'AI SDK',
    failed('Cannot connect to API: connect ECONNREFUSED 127.0.0.1:401', {
      name: 'AI_APICallError',
      url: 'https://x',
      cause: failed('x', { code: 'ECONNREFUSED' }),
    }),
    'APICallError',
  ],
  [
    'AI SDK',
    failed('Failed after 2 attempts', {
      name: 'AI_RetryError',
      errors: [failed('x', { statusCode: 401 })],
      lastError: failed('x', { statusCode: 503 }),
    }),
    'RetryError',
  ],
  [
    'AI SDK',
    {
      message: 'slow down, unauthorized',
      type: 'rate_limit_error',
      statusCode: 401,
      isRetryable: true,
      data: anthropic('rate_limit_error', 'no'),
    },
    'createProviderStreamError',
  ],
  [
    'AI SDK',
    {
      requestBodyValues: { messages: ['HTTP 401 Unauthorized'] },
      message: 'no',
      statusCode: 400,
      url: 'https://x',
    },
    'the request is not the response',
  ],
  ['LangChain', failed('no', { lc_error_code: 'MODEL_RATE_LIMIT' }), 'addLangChainErrorFields'],
  ['Redis', failed('NOAUTH Authentication required.', { name: 'ReplyError' }), 'a store'],
  [
    'PostgreSQL',
    failed('password authentication failed for user "x"', { code: '28P01', severity: 'FATAL' }),
    'a store',
  ],
  ['SMTP', failed('Invalid login: 535 Authentication failed', { code: 'EAUTH' }), 'nodemailer'],
  ['a provider', { type: 'invalid_request', message: 'max_tokens: 401 tokens is too few' }, 'ChatOutcome'],
  ['a provider', { type: 'rate_limited', message: '401 Unauthorized' }, 'ChatOutcome'],
  [
    'a provider',
    { type: 'error', kind: 'connection', message: 'terminated: 401 Unauthorized' },
    'StreamErrorDelta',
  ],
  [
    'a provider',
    { type: 'error', kind: 'rate_limited', message: 'Authentication failed' },
    'StreamErrorDelta',
  ],
  [
    'a provider',
    { type: 'error', kind: 'invalid_request', message: '401 Unauthorized', status: 400 },
    'StreamErrorDelta',
  ],
  [
    'llm-refresh',
    { status: 401, headers: { 'x-llm-refresh': 'reauthentication_required' } },
    'a response of our own',
  ],
])
