import { json, type Reply } from './reply.ts'

/** The credential that a request carries. */
export interface Offered {
  readonly kind: 'token' | 'api_key' | 'nothing'
  readonly credential: string
}

/** The credential of a request. A bearer token counts before a key, because some clients send both. */
export function offeredBy(headers: Readonly<Record<string, unknown>>): Offered {
  const { authorization, 'x-api-key': key } = headers
  const [, token] = typeof authorization === 'string' ? (/^Bearer +(.+)$/i.exec(authorization) ?? []) : []
  if (token !== undefined) return { kind: 'token', credential: token }
  if (typeof key === 'string' && key !== '') return { kind: 'api_key', credential: key }
  return { kind: 'nothing', credential: '' }
}

/** Anthropic's response to a rejected credential. */
export function anthropicRefusal({ kind }: Offered, requestId: string): Reply {
  const said = {
    token: 'OAuth token has expired. Please obtain a new token or refresh your existing token.',
    api_key: 'invalid x-api-key',
    nothing: 'x-api-key header is required',
  }
  const body = anthropicError('authentication_error', said[kind], requestId)
  return json(401, body, { 'request-id': requestId })
}

/** OpenAI's response to a rejected credential. */
export function openaiRefusal({ kind }: Offered, standing: 'expired' | 'unknown', requestId: string): Reply {
  const [code, message] = openaiWords(kind, standing)
  const headers = { 'www-authenticate': 'Bearer realm="OpenAI API"', 'x-request-id': requestId }
  return json(401, openaiError(code, message), headers)
}

function openaiWords(kind: Offered['kind'], standing: string): [code: string | null, message: string] {
  if (kind === 'nothing') return [null, 'Missing bearer authentication in header']
  if (standing === 'expired') {
    return ['token_expired', 'Provided authentication token is expired. Please try signing in again.']
  }
  const where = 'You can find your API key at https://platform.openai.com/account/api-keys.'
  return ['invalid_api_key', `Incorrect API key provided: ****. ${where}`]
}

export function openaiError(code: string | null, message: string): unknown {
  return { error: { message, type: 'invalid_request_error', param: null, code } }
}

export function anthropicError(type: string, message: string, requestId: string): unknown {
  return { type: 'error', error: { type, message }, request_id: requestId }
}
