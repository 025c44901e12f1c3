import { abortable } from '../../../core/abortable.ts'
import { RefreshError } from '../../../core/errors.ts'
import { optionError } from '../../../core/options.ts'
import { type Answer, refusal } from '../../answer.ts'
import { readEndpoint } from '../../endpoint.ts'
import type { Http, Send } from '../../request.ts'
import type { OAuthClient } from './options.ts'
import { type Metadata, type Peer, requestOptions } from './peer.ts'

/** What each endpoint is called in the metadata (RFC 8414 section 2), and here. */
const ENDPOINTS = {
  token_endpoint: 'tokenEndpoint',
  device_authorization_endpoint: 'deviceAuthorizationEndpoint',
  authorization_endpoint: 'authorizationEndpoint',
  revocation_endpoint: 'revocationEndpoint',
} as const
export type Endpoint = keyof typeof ENDPOINTS
const NAMES = [
  'token_endpoint',
  'device_authorization_endpoint',
  'authorization_endpoint',
  'revocation_endpoint',
] as const

/** RFC 8414 first, then OpenID Connect Discovery. */
const WELL_KNOWN = ['oauth2', 'oidc'] as const

type SendTo = (host: string, signal: AbortSignal, send: Send) => Promise<Answer>

/** An authorization server, and where it is asked. */
export class Server {
  readonly #issuer: URL | undefined
  readonly #given: Partial<Record<Endpoint, string>> = {}
  readonly #http: Http
  readonly #send: SendTo
  #metadata: Promise<Metadata> | undefined

  /** @throws RefreshError `invalid_option` */
  constructor(options: OAuthClient, http: Http, send: SendTo) {
    const { issuer } = options
    for (const name of NAMES) {
      const given = options[ENDPOINTS[name]]
      if (given !== undefined) this.#given[name] = readEndpoint(ENDPOINTS[name], given).href
    }
    if (issuer === undefined && this.#given.token_endpoint === undefined) {
      throw optionError('issuer', "is missing; without one, give the 'tokenEndpoint'")
    }
    this.#issuer = issuer === undefined ? undefined : readEndpoint('issuer', issuer)
    this.#http = http
    this.#send = send
  }

  /** @throws RefreshError */
  async metadata(peer: Peer, signal: AbortSignal): Promise<Metadata> {
    const issuer = this.#issuer
    // Without a name it goes by its endpoint, which is what assertions are then made out to.
    if (issuer === undefined) return { issuer: this.#given.token_endpoint ?? '', ...this.#given }
    // It is for all who wait, so that the signal of one does not end it.
    this.#metadata ??= this.#discover(peer, issuer).catch((error: unknown) => {
      this.forget()
      throw error
    })
    return abortable(this.#metadata, signal)
  }

  /** It may have moved. */
  forget(): void {
    this.#metadata = undefined
  }

  async #discover(peer: Peer, issuer: URL): Promise<Metadata> {
    let failure: RefreshError | undefined
    for (const algorithm of WELL_KNOWN) {
      const answer = await this.#send(issuer.host, new AbortController().signal, (fetch, signal) =>
        peer.discoveryRequest(issuer, { algorithm, ...requestOptions(peer, issuer, fetch, signal) }),
      )
      failure = refusal(answer, this.#http.clock.now())
      if (failure === undefined) return { ...(await read(peer, issuer, answer)), ...this.#given }
      if (answer.response.status >= 500 || failure.code === 'source_rate_limited') throw failure
    }
    throw new RefreshError(
      failure?.code ?? 'source_invalid',
      `'issuer' has no metadata; without them, give the 'tokenEndpoint'. ${failure?.message}`,
      { cause: failure },
    )
  }
}

/** @throws RefreshError `invalid_option` where the server has no such endpoint */
export function endpointOf(metadata: Metadata, name: Endpoint): URL {
  const endpoint = metadata[name]
  if (endpoint !== undefined) return new URL(endpoint)
  throw optionError(ENDPOINTS[name], 'is missing, and the server names none')
}

async function read(peer: Peer, issuer: URL, { text, host }: Answer): Promise<Metadata> {
  const invalid = (what: string): RefreshError =>
    new RefreshError('source_invalid', `The metadata of ${host} ${what}.`)
  const headers = { 'content-type': 'application/json' }
  const metadata = await peer.processDiscoveryResponse(issuer, new Response(text, { headers })).catch(() => {
    throw invalid('cannot be read, or are those of another issuer')
  })
  for (const name of NAMES) {
    if (metadata[name] === undefined) continue
    const endpoint = safeEndpoint(metadata[name])
    if (endpoint === undefined || (issuer.protocol === 'https:' && endpoint.protocol !== 'https:')) {
      throw invalid(`name a ${name} that is none: it must be an https URL`)
    }
  }
  return metadata
}

function safeEndpoint(given: unknown): URL | undefined {
  try {
    return readEndpoint('', given)
  } catch {
    return undefined
  }
}
