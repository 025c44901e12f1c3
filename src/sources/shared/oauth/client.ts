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

/** Sends a request through the peer. */
type SendThrough = (peer: Peer, parties: Parties, request: PeerRequest) => Promise<Response>

interface Parties {
  readonly server: Metadata
  readonly party: Parameters<ClientAuth>[1]
  readonly auth: ClientAuth
}

/** What ends a request besides its signal, and who is told that it is on its way. */
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

/** In seconds: servers put up with less. */
const TOLERATED_SKEW = 30

/** A client of an authorization server. */
export class Client {
  readonly http: Http
  /** Where its tokens come from, as configured. */
  readonly issuer: string
  readonly id: string
  readonly secrets: ClientSecrets
  readonly #server: Server
  /** The server's time less ours, in seconds, where a response told it. */
  #skew: number | undefined

  /**
   * @param more the options that the function has besides
   * @param known the server's metadata, where the caller has discovered them itself
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

  /** How a refusal is judged and explained. */
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

  /** @throws RefreshError where the server has no such endpoint */
  endpointOf(metadata: Metadata, name: Endpoint): URL {
    return this.#server.endpointOf(metadata, name)
  }

  /**
   * Asks one of the server's endpoints.
   *
   * @throws RefreshError `source_unreachable`, what discovery and the secrets' functions throw; the signal's reason
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
    // It was signed at what is another time for the server, which has now told us its own.
    return isOffTime && this.secrets.signs && mayBeOurs ? attempt() : whole
  }

  async #send(asked: Asked, send: Send): Promise<WholeResponse> {
    const whole = await ask(this.http, asked, send)
    const { headers } = whole.response
    // What a cache says of the time is old.
    const date = headers.has('age') ? NaN : Date.parse(headers.get('date')?.slice(0, 64) ?? '')
    if (!Number.isNaN(date)) this.#skew = Math.floor((date - Date.now()) / 1000)
    return whole
  }

  /** What the platform's time lacks, for it is what the peer goes by. A client's assertion lives a minute. */
  #clockSkew(): number {
    return this.#skew ?? Math.floor((this.now() - Date.now()) / 1000)
  }
}
