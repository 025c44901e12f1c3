import { noting } from '../../credential/failure-facts.ts'
import { RefreshError } from '../../errors.ts'
import { field, parseJson } from '../../lib/json.ts'
import { loadOAuth } from '../shared/oauth/oauth4webapi.ts'
import type { Asking } from '../shared/refusal-advice.ts'
import { refusalOf } from '../shared/token-endpoint.ts'
import { ask, type Http } from '../shared/token-request.ts'
import type { Found } from './discovery.ts'
import { invalid, isLoopback } from './hosts.ts'
import type { Registered } from './registrations.ts'

/** The metadata that the client registers. */
export interface Registration {
  readonly clientName: string
  /** The redirect URI exactly as the user spelled it, because servers compare texts. */
  readonly redirectUri: string
}

const ENDPOINT = 'registration endpoint'
/** Authentication methods, the preferred one first. 'none' is preferred, because a client on a person's machine can keep no secret. */
const METHODS = ['none', 'client_secret_basic', 'client_secret_post'] as const
/** The most characters of an id or a secret. */
const LONGEST = 4_096
/** epoch ms: the latest time that a Date can hold. */
const LATEST = 8.64e15

/**
 * Registers a client (RFC 7591).
 *
 * @throws RefreshError `source_refused`, `source_invalid` and the transient ones
 */
export async function register(
  http: Http,
  { described: { metadata } }: Pick<Found, 'described'>,
  { clientName, redirectUri }: Registration,
  signal: AbortSignal,
): Promise<Registered> {
  const endpoint = new URL(String(metadata.registration_endpoint))
  const peer = await loadOAuth()
  const supported: unknown = metadata.token_endpoint_auth_methods_supported
  const methods: readonly unknown[] = Array.isArray(supported) ? supported : METHODS
  const application = isLoopback(new URL(redirectUri)) ? 'native' : 'web'
  const wanted = {
    client_name: clientName,
    redirect_uris: [redirectUri],
    application_type: application,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: METHODS.find((method) => methods.includes(method)) ?? 'none',
  }
  const whole = await ask(http, { host: endpoint.host, signal }, (fetch, sending) =>
    peer.dynamicClientRegistrationRequest(metadata, wanted, {
      [peer.customFetch]: (url, init) => fetch(url, init),
      [peer.allowInsecureRequests]: endpoint.protocol === 'http:',
      signal: sending,
    }),
  )
  const { text, host, sentAt } = whole
  const asking: Asking = {
    person: false,
    spends: false,
    carriesClaims: false,
    isSigned: false,
    endpoint: ENDPOINT,
  }
  const body = parseJson(text)?.value
  const id = field(body, 'client_id')
  const secret = field(body, 'client_secret')
  const isTooLong = typeof secret === 'string' && secret.length > LONGEST
  const isNamed = typeof id === 'string' && id !== '' && id.length <= LONGEST
  const isRegistered = whole.response.ok && isNamed && !isTooLong
  if (!isRegistered) {
    const error = refusalOf(whole, asking, http.clock.now())
    if (error === undefined) {
      const what = isNamed ? 'a secret that is too long' : "no 'client_id' that can be used"
      throw invalid(`${host} registered no client: its response holds ${what}. Give a 'clientId' instead.`)
    }
    throw noting(
      new RefreshError(error.code, `The client could not be registered. ${error.message}`, error),
      {
        reach: 'answered',
      },
    )
  }
  const method = field(body, 'token_endpoint_auth_method')
  const ends = field(body, 'client_secret_expires_at')
  const isPublic = method === 'none' || typeof secret !== 'string' || secret === ''
  if (isPublic) return { id }
  return {
    id,
    secret,
    ...((method === 'client_secret_basic' || method === 'client_secret_post') && { auth: method }),
    ...(typeof ends === 'number' &&
      ends > 0 && { expiresAt: Math.min(Math.max(ends * 1000, sentAt), LATEST) }),
  }
}
