import { anthropic, azure, type EventShape, events, google, jsonRpc, openai, toolResult } from './types.ts'

/** First events that say that the credential is no good. */
export const EVENT_REJECTIONS: readonly EventShape[] = events([
  [
    'Anthropic',
    'error',
    anthropic('authentication_error', 'OAuth token has expired.'),
    'Anthropic streaming',
  ],
  [
    'Anthropic',
    'error',
    anthropic('permission_error', 'OAuth token has been revoked.'),
    'Anthropic streaming',
  ],
  ['Anthropic', '', anthropic('authentication_error', 'no'), 'a proxy that drops names'],
  ['OpenAI chat', '', openai('expired', 'invalid_request_error', 'token_expired'), 'OpenAI streaming'],
  ['OpenAI chat', '', openai('no', 'invalid_request_error', 'invalid_api_key'), 'OpenAI streaming'],
  [
    'OpenAI responses',
    'error',
    { type: 'error', code: 'invalid_api_key', message: 'no', sequence_number: 0 },
    'OpenAI streaming',
  ],
  [
    'OpenAI responses',
    'error',
    { type: 'error', error: { code: 'token_expired', message: 'no' } },
    'OpenAI streaming',
  ],
  [
    'OpenAI responses',
    'response.failed',
    { type: 'response.failed', response: { status: 'failed', error: { code: 'token_expired' } } },
    'OpenAI streaming',
  ],
  ['LiteLLM', '', openai('litellm.AuthenticationError: expired', null, '401'), 'LiteLLM streaming'],
  [
    'OpenRouter',
    '',
    {
      id: 'g',
      choices: [{ delta: { content: '' }, finish_reason: 'error' }],
      error: { code: 401, message: 'Provider returned error' },
    },
    'OpenRouter streaming',
  ],
  ['Google', '', google(401, 'UNAUTHENTICATED', 'expired'), 'Gemini streaming'],
  ['Google', '', [google(401, 'UNAUTHENTICATED', 'expired')], 'an array of one'],
  ['Azure', '', azure('401', 'Access denied.'), 'Azure streaming'],
  ['Azure', 'error', azure('ExpiredAuthenticationToken', 'no'), 'Azure streaming'],
  [
    'AWS',
    'error',
    { type: 'error', error: '{"message":"The security token included in the request is expired"}' },
    'a gateway to Bedrock',
  ],
  ['Ollama', '', { error: 'unauthorized' }, 'ollama cloud'],
  [
    'Hugging Face',
    '',
    { error: 'Invalid credentials in Authorization header', error_type: 'authentication' },
    'text-generation-inference',
  ],
  [
    'Cloudflare',
    '',
    { success: false, errors: [{ code: 10_000, message: 'Authentication error' }] },
    'Workers AI',
  ],
  ['a gateway', 'error', '401 Unauthorized', 'plain text'],
  ['a gateway', 'error', 'HTTP 401: token expired', 'plain text'],
])

/** First events that are something else. */
export const EVENT_OTHERS: readonly EventShape[] = events([
  [
    'Anthropic',
    'error',
    anthropic('overloaded_error', 'authentication service overloaded'),
    'Anthropic streaming',
  ],
  [
    'Anthropic',
    'error',
    anthropic('api_error', 'Internal error: authentication backend timed out'),
    'Anthropic streaming',
  ],
  [
    'Anthropic',
    'error',
    anthropic('rate_limit_error', 'Too many authentication attempts'),
    'Anthropic streaming',
  ],
  [
    'Anthropic',
    'error',
    anthropic('invalid_request_error', 'max_tokens: 401 tokens is too few'),
    'Anthropic streaming',
  ],
  ['Anthropic', 'message_start', { type: 'message_start', message: { content: [] } }, 'Anthropic streaming'],
  [
    'Anthropic',
    'content_block_delta',
    { type: 'content_block_delta', delta: { text: '401 Unauthorized' } },
    'model text',
  ],
  ['OpenAI chat', '', openai('authentication backend timed out', 'server_error'), 'OpenAI streaming'],
  [
    'OpenAI chat',
    '',
    openai('You requested 401 tokens too many', 'invalid_request_error', 'context_length_exceeded'),
    'OpenAI streaming',
  ],
  ['OpenAI chat', '', { choices: [{ delta: { content: '{"error":{"code":401}}' } }] }, 'model text'],
  ['OpenAI chat', '', { error: null, choices: [], note: '401 Unauthorized' }, 'an error that is null'],
  [
    'OpenAI responses',
    'error',
    {
      type: 'error',
      error: {
        type: 'service_unavailable_error',
        code: null,
        message: 'Unable to verify model access: authentication service is down.',
      },
    },
    'vercel/ai issues',
  ],
  [
    'OpenAI responses',
    'response.failed',
    {
      type: 'response.failed',
      response: {
        status: 'failed',
        error: { code: 'server_error', message: 'Failed to load authentication plugin' },
      },
    },
    'OpenAI streaming',
  ],
  [
    'OpenAI responses',
    'response.created',
    { type: 'response.created', response: { error: null, instructions: 'answer 401 Unauthorized' } },
    'OpenAI streaming',
  ],
  [
    'OpenRouter',
    '',
    { error: { code: 502, message: 'Provider returned error: 401 Unauthorized' } },
    'OpenRouter streaming',
  ],
  ['Google', '', google(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for authentication.'), 'Gemini streaming'],
  ['Google', '', { candidates: [{ content: { parts: [{ text: 'HTTP 401' }] } }] }, 'model text'],
  ['MCP', 'message', toolResult('Jira answered 401 Unauthorized'), 'a result'],
  [
    'MCP',
    'message',
    jsonRpc(1, -32_603, 'Creating the ticket: Jira answered 401 Unauthorized'),
    'a method failed',
  ],
  ['MCP', 'message', jsonRpc(1, 401, 'Bad credentials'), 'a method failed'],
  [
    'MCP',
    'message',
    { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'error', data: '401 Unauthorized' } },
    'a notification',
  ],
  ['a gateway', '', '401 Unauthorized', 'plain text that is no error event'],
  ['a gateway', 'error', 'connect ECONNREFUSED 127.0.0.1:401', 'plain text'],
  ['a gateway', 'error', 'Proxy Authentication Required', 'plain text'],
  ['a gateway', 'done', '[DONE]', 'the end'],
])
