import type { Vendor } from './vendor-401.ts'

/** Where in a stream the refusal comes. `failed_response`: first; where OpenAI has two ways, the less usual one. */
export type Place = 'first_event' | 'failed_response' | 'after_content'

/**
 * What each vendor's service sends in an event stream that has begun with a 200, once it finds that the credential is no good.
 * Its clients take the stream for broken then.
 */
export function inStreamRefusal(vendor: Vendor, path: string, place: Place): string {
  switch (vendor) {
    case 'anthropic':
      return event({
        type: 'error',
        error: {
          type: 'authentication_error',
          message: 'OAuth token has expired. Please obtain a new token or refresh your existing token.',
        },
      })
    case 'openai':
      return path.startsWith('/v1/responses') ? responses(place) : chatChunk()
    case 'google':
      return data({
        error: {
          code: 401,
          message: 'Request had invalid authentication credentials.',
          status: 'UNAUTHENTICATED',
        },
      })
  }
}

function chatChunk(): string {
  return data({
    error: {
      message: 'Provided authentication token is expired.',
      type: 'invalid_request_error',
      param: null,
      code: 'token_expired',
    },
  })
}

/** The service nests the fields of `error`, whatever its reference says. */
function responses(place: Place): string {
  const error = { code: 'token_expired', message: 'Provided authentication token is expired.' }
  if (place !== 'failed_response') {
    const nested = { type: 'invalid_request_error', ...error, param: null }
    return event({ type: 'error', sequence_number: 0, error: nested })
  }
  const response = {
    id: 'resp_1',
    object: 'response',
    created_at: 0,
    model: 'gpt-5',
    status: 'failed',
    output: [],
    error,
  }
  return event({ type: 'response.failed', sequence_number: 0, response })
}

function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

function event(value: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${value.type}\n${data(value)}`
}
