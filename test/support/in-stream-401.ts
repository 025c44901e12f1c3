import type { Vendor } from './vendor-401.ts'

/** The place of the rejection in a stream. `failed_response`: the first event, in the less usual of OpenAI's two forms. */
export type Place = 'first_event' | 'failed_response' | 'after_content'

/**
 * The event by which a vendor's service rejects a credential in an event stream that has begun with a 200. The vendor's client throws an error
 * for it.
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

/** The service nests the fields under `error`, although its reference does not. */
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
