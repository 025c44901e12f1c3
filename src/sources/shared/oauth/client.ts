import type { ClientAuth } from 'oauth4webapi'
import { type Check, checked, checkedOptions, type OptionTable, unchecked } from '../../../lib/options.ts'
import type { Asking } from '../refusal-advice.ts'
import { aText } from '../secret.ts'
import {
  ask,
  type Asked,
  type Http,
  HTTP_OPTIONS,
  readHttp,
  type Send,
  type WholeResponse,
} from '../token-request.ts'
import { ClientSecrets } from './client-auth.ts'
import type { Described, Endpoint } from './metadata.ts'
import { loadOAuth, type Metadata, type Peer, type PeerRequest, requestOptions } from './oauth4webapi.ts'
import type { OAuthClient } from './options.ts'
import { Server } from './server.ts'

/** Sends a request through oauth4webapi. */
type SendThrough = (peer: Peer, parties: Parties, request: PeerRequest) => Promise<Response>

interface Parties {
  readonly server: Metadata
  readonly party: Parameters<ClientAuth>[1]
  readonly auth: ClientAuth
}

/** The signal and the timeout of a request, and the callback for the time at which it is sent. */
export type ClientAsked = Omit<Asked, 'host'>

const OPTIONS: OptionTable<OAuthClient> = {
  ...unchecked('issuer', 'tokenEndpoint', 'deviceAuthorizationEndpoint', 'authorizationEndpoint'),
  ...unchecked('revocationEndpoint'),
  clientId: idProblem,
  ...unchecked('clientSecret', 'clientAuth', 'privateKey', 'clientAssertion'),
  ...HTTP_OPTIONS,
}

function idProblem(given: unknown): string | undefined {
  if (given === undefined) return 'is missing'
  return typeof given === 'string' && given !== '' ? undefined : 'must be a text that is not empty'
}

/** Seconds. Servers tolerate a clock that is off by less. */
const TOLERATED_SKEW = 30

/** A client of an authorization server. */
export class Client {
  readonly http: Http
  /** The configured issuer, else the configured token endpoint. */
  readonly issuer: string
  readonly id: string
  readonly secrets: ClientSecrets
  readonly #server: Server
  /** The server's time minus ours, in seconds; undefined until a response states the server's time. */
  #skew: number | undefined

  /**
   * @param more further options that the calling function accepts
   * @param known the server's metadata, if the caller has discovered them itself
   * @throws RefreshError `invalid_option`
   */
  constructor(options: OAuthClient, more: Readonly<Record<string, Check>>, known?: Described) {
    const table: OptionTable<OAuthClient> = { ...OPTIONS, ...more }
    const { clientId, issuer, tokenEndpoint } = checkedOptions(options, table)
    this.id = checked('clientId', clientId, aText)
    this.secrets = new ClientSecrets(options)
    this.http = readHttp(options)
    this.#server = new Server(options, this.http, (...request) => this.#send(...request), known)
    this.issuer = issuer ?? tokenEndpoint ?? ''
  }

  /** epoch ms */
  now(): number {
    return this.http.clock.now()
  }

  /** Completes the facts by which a refusal is judged and explained. */
  asking(about: Partial<Asking>): Asking {
    const { isSigned, method } = this.secrets
    return {
      person: false,
      spends: false,
      carriesClaims: false,
      ...about,
      isSigned: isSigned || about.isSigned === true,
      client: `client '${this.id}' (${method ?? this.#server.methodOfSecret})`,
    }
  }

  metadata(peer: Peer, signal: AbortSignal, wanted: readonly Endpoint[]): Promise<Metadata> {
    return this.#server.metadata(peer, signal, wanted)
  }

  /** @throws RefreshError if the server has no such endpoint */
  endpointOf(metadata: Metadata, name: Endpoint): URL {
    return this.#server.endpointOf(metadata, name)
  }

  /**
   * Sends a request to one of the server's endpoints.
   *
   * @throws RefreshError `source_unreachable`; any error of discovery, or of a function that returns a secret. After an abort: the signal's
   *   reason.
   */
  async ask(endpoint: Endpoint, asked: ClientAsked, send: SendThrough): Promise<WholeResponse> {
    const { signal } = asked
    const peer = await loadOAuth()
    const server = await this.metadata(peer, signal, [endpoint])
    const url = this.endpointOf(server, endpoint)
    const attempt = async (): Promise<WholeResponse> => {
      const auth = await this.secrets.auth(peer, this.#server.methodOfSecret, signal)
      const party = { client_id: this.id, [peer.clockSkew]: this.#clockSkew() }
      return this.#send({ ...asked, host: url.host }, (fetch, sending) =>
        send(peer, { server, party, auth }, requestOptions(peer, url, fetch, sending)),
      )
    }
    const before = this.#clockSkew()
    const whole = await attempt()
    const { status } = whole.response
    if (status === 404 || status === 410) this.#server.forget()
    const isOffTime = Math.abs(this.#clockSkew() - before) > TOLERATED_SKEW
    const mayBeOurs = (status === 400 || status === 401) && !/"invalid_grant"/.test(whole.text)
    // The assertion was signed with a time that the server rejects. Its response states its own time, so one more attempt may succeed.
    return isOffTime && this.secrets.signs && mayBeOurs ? attempt() : whole
  }

  async #send(asked: Asked, send: Send): Promise<WholeResponse> {
    const whole = await ask(this.http, asked, send)
    const { headers } = whole.response
    // A response from a cache (with `age`) states an old time.
    const date = headers.has('age') ? NaN : Date.parse(headers.get('date')?.slice(0, 64) ?? '')
    if (!Number.isNaN(date)) this.#skew = Math.floor((date - Date.now()) / 1000)
    return whole
  }

  /**
   * Seconds to add to the platform's time, by which oauth4webapi dates a client's assertion. An assertion lives a minute, so the platform's
   * clock alone may not do.
   */
  #clockSkew(): number {
    return this.#skew ?? Math.floor((this.now() - Date.now()) / 1000)
  }
}
