import { factsOf, noting } from '../../../credential/failure-facts.ts'
import { RefreshError } from '../../../errors.ts'
import { abortable } from '../../../lib/abortable.ts'
import { optionError } from '../../../lib/options.ts'
import { readEndpoint } from '../../../lib/secure-url.ts'
import type { Asking } from '../refusal-advice.ts'
import { refusalOf } from '../token-endpoint.ts'
import type { Asked, Http, Send, WholeResponse } from '../token-request.ts'
import type { SecretMethod } from './client-auth.ts'
import { type Described, type Endpoint, ENDPOINTS, IssuerMismatch, NAMES, readMetadata } from './metadata.ts'
import { type Metadata, type Peer, requestOptions } from './oauth4webapi.ts'
import type { OAuthClient } from './options.ts'

/** The kinds of metadata, in the order in which they are tried: RFC 8414, OpenID Connect Discovery. */
const WELL_KNOWN = ['oauth2', 'oidc'] as const
const DISCOVERY: Asking = { person: false, spends: false, carriesClaims: false, isSigned: false }
/** ms. If reading metadata failed, and every needed endpoint is configured, we do not read them again before this time has passed. */
const WITHOUT_METADATA = 300_000

type SendTo = (asked: Asked, send: Send) => Promise<WholeResponse>

/** An authorization server and its endpoints. */
export class Server {
  readonly #issuer: URL | undefined
  readonly #given: Partial<Record<Endpoint, string>> = {}
  readonly #http: Http
  readonly #send: SendTo
  /** The metadata that the caller has discovered itself. */
  readonly #known: Described | undefined
  #discovering: Promise<Described> | undefined
  #described: Described | undefined
  /** epoch ms: when reading the metadata last failed. */
  #failedAt: number | undefined

  /**
   * @param known the metadata, if the caller has discovered them itself
   * @throws RefreshError `invalid_option`
   */
  constructor(options: OAuthClient, http: Http, send: SendTo, known?: Described) {
    const { issuer } = options
    this.#known = known
    this.#described = known
    for (const name of NAMES) {
      const given = options[ENDPOINTS[name]]
      if (given !== undefined) {
        this.#given[name] = readEndpoint(ENDPOINTS[name], given, http.plainHttp).href
      }
    }
    if (issuer === undefined && this.#given.token_endpoint === undefined) {
      throw optionError('issuer', "is missing; without one, give the 'tokenEndpoint'")
    }
    this.#issuer = issuer === undefined ? undefined : readEndpoint('issuer', issuer, http.plainHttp)
    this.#http = http
    this.#send = send
  }

  /** How the client sends its secret: HTTP Basic, unless the metadata list only `client_secret_post` (RFC 8414 section 2). */
  get methodOfSecret(): SecretMethod {
    const methods: unknown = this.#described?.metadata.token_endpoint_auth_methods_supported
    const isPost =
      Array.isArray(methods) &&
      methods.includes('client_secret_post') &&
      !methods.includes('client_secret_basic')
    return isPost ? 'client_secret_post' : 'client_secret_basic'
  }

  /**
   * @param wanted the endpoints that the caller uses. If all of them are configured, the caller gets no error about bad or missing metadata.
   * @throws RefreshError
   */
  async metadata(peer: Peer, signal: AbortSignal, wanted: readonly Endpoint[]): Promise<Metadata> {
    if (this.#known !== undefined) return this.#known.metadata
    const issuer = this.#issuer
    // Without an issuer, the token endpoint is the server's name, and the audience of assertions.
    if (issuer === undefined) return { issuer: this.#given.token_endpoint ?? '', ...this.#given }
    const missing = wanted.filter((name) => this.#given[name] === undefined)
    const alone = { issuer: issuer.href, ...this.#given }
    const since = this.#http.clock.now() - (this.#failedAt ?? -Infinity)
    if (missing.length === 0 && since >= 0 && since < WITHOUT_METADATA) return alone
    // All waiting callers share one discovery, so the signal of one caller does not end it.
    this.#discovering ??= this.#discover(peer, issuer, missing).then(
      (described) => {
        this.#described = described
        this.#failedAt = undefined
        return described
      },
      (error: unknown) => {
        this.forget()
        this.#failedAt = this.#http.clock.now()
        throw error
      },
    )
    try {
      return { ...(await abortable(this.#discovering, signal)).metadata, ...this.#given }
    } catch (error) {
      if (signal.aborted || missing.length > 0) throw error
      return alone
    }
  }

  /** @throws RefreshError `source_invalid` or `invalid_option` if the server has no such endpoint */
  endpointOf(metadata: Metadata, name: Endpoint): URL {
    const endpoint = metadata[name]
    if (endpoint !== undefined) return new URL(endpoint)
    if (this.#described?.unusable.has(name) === true) {
      const message = `The metadata of ${this.#issuer?.host} name a ${name} that is no https URL: give '${ENDPOINTS[name]}'.`
      throw noting(new RefreshError('source_invalid', message), { reach: 'unsent' })
    }
    throw optionError(ENDPOINTS[name], 'is missing, and the server names none')
  }

  /** Forgets the metadata, because the server may have moved. */
  forget(): void {
    this.#discovering = undefined
  }

  /** @param missing the endpoints that the caller needs from the metadata */
  async #discover(peer: Peer, issuer: URL, missing: readonly Endpoint[]): Promise<Described> {
    const failures: RefreshError[] = []
    let incomplete: Described | undefined
    for (const algorithm of WELL_KNOWN) {
      try {
        const described = await this.#read(peer, issuer, algorithm)
        if (missing.every((name) => described.metadata[name] !== undefined)) return described
        incomplete ??= described
      } catch (error) {
        if (!(error instanceof RefreshError) || error instanceof IssuerMismatch) throw error
        failures.push(error)
        // If the server asks to wait, or no connection was made, the other path would fail, too. After other errors it may not.
        if (error.code === 'source_rate_limited' || factsOf(error).reach === 'unsent') break
      }
    }
    if (incomplete !== undefined) return incomplete
    throw failed(issuer, failures)
  }

  async #read(peer: Peer, issuer: URL, algorithm: (typeof WELL_KNOWN)[number]): Promise<Described> {
    const { signal } = new AbortController()
    const whole = await this.#send({ host: issuer.host, signal }, (fetch, sending) =>
      peer.discoveryRequest(issuer, { algorithm, ...requestOptions(peer, issuer, fetch, sending) }),
    )
    const { status, ok } = whole.response
    if (ok) return readMetadata(whole, issuer, this.#http.plainHttp)
    if (status === 404)
      throw new RefreshError('source_refused', `${issuer.host} has no metadata there (404).`)
    throw refusalOf(whole, DISCOVERY, this.#http.clock.now()) ?? new RefreshError('source_invalid', '')
  }
}

/** The codes that tell most, best first. A passing error goes before a missing document, because it may hide the right document. */
const TELLING: readonly string[] = [
  'source_rate_limited',
  'source_unreachable',
  'source_unavailable',
  'source_invalid',
]

/** The error if no metadata could be read. No token was sent, so the caller may try again. */
function failed(issuer: URL, failures: readonly RefreshError[]): RefreshError {
  const told = TELLING.map((code) => failures.find((failure) => failure.code === code))
  const failure = told.find((found) => found !== undefined) ?? failures.at(-1)
  const { code = 'source_invalid', message = '', retryAfterMs } = failure ?? {}
  const what = `${message} So the metadata of the issuer ${issuer.href} could not be read. Try again; if the server has none, set 'tokenEndpoint'.`
  const isAnswered = factsOf(failure).reach === 'answered'
  return noting(new RefreshError(code, what, { cause: failure, retryAfterMs }), {
    reach: isAnswered ? 'answered' : 'unsent',
  })
}
