const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

/** First events of a stream by which vendors reject a credential, each in the vendor's own shape. */
export const IN_STREAM_REJECTIONS: Record<string, string> = {
  'Anthropic, authentication error': event('error', {
    type: 'error',
    error: { type: 'authentication_error', message: 'OAuth token has expired.' },
  }),
  'Anthropic, without a name': data({
    type: 'error',
    error: { type: 'authentication_error', message: 'no' },
  }),
  'OpenAI chat, error chunk': data({
    error: { message: 'Provided token is expired.', type: 'invalid_request_error', code: 'token_expired' },
  }),
  'OpenAI chat, invalid key': data({
    error: { message: 'Incorrect API key provided.', type: 'invalid_request_error', code: 'invalid_api_key' },
  }),
  'OpenAI responses, error': event('error', {
    type: 'error',
    code: 'invalid_api_key',
    message: 'Incorrect API key provided.',
    param: null,
    sequence_number: 0,
  }),
  'OpenAI responses, failed': event('response.failed', {
    type: 'response.failed',
    response: { id: 'r', status: 'failed', error: { code: 'token_expired', message: 'expired' } },
  }),
  'Google, error object': data({
    error: {
      code: 401,
      message: 'Request had invalid authentication credentials.',
      status: 'UNAUTHENTICATED',
    },
  }),
  'Azure, error object': data({ error: { code: '401', message: 'Access denied.' } }),
  'a gateway, no JSON': 'event: error\ndata: 401 Unauthorized\n\n',
}

/** First events that are no rejection. */
export const OTHER_FIRST_EVENTS: Record<string, string> = {
  'Anthropic, overloaded': event('error', {
    type: 'error',
    error: { type: 'overloaded_error', message: 'Overloaded' },
  }),
  'Google, exhausted': data({
    error: { code: 429, message: 'Quota exceeded.', status: 'RESOURCE_EXHAUSTED' },
  }),
  'OpenAI, content that speaks of 401 Unauthorized': data({
    id: 'c',
    choices: [{ index: 0, delta: { content: 'authentication_error: 401 Unauthorized' } }],
  }),
  'OpenAI, an error that is null': data({ error: null, choices: [], note: 'authentication' }),
  'no JSON': 'data: 401 Unauthorized\n\n',
  'the end': 'data: [DONE]\n\n',
}
