import type { ClientAuth } from 'oauth4webapi'
import { checkOptions, optionError } from '../../../core/options.ts'
import type { Answer } from '../../answer.ts'
import { ask, type Http, readHttp, type Send } from '../../request.ts'
import { checkSecret, readSecret } from '../../secret.ts'
import type { OAuthClient } from './options.ts'
import { loadOAuth, type Metadata, type Peer, type PeerRequest, requestOptions } from './peer.ts'
import { checkPrivateKey, readPrivateKey } from './private-key.ts'
import { type Endpoint, endpointOf, Server } from './server.ts'

/** Sends a request through the peer. */
type SendThrough = (peer: Peer, parties: Parties, request: PeerRequest) => Promise<Response>

interface Parties {
  readonly server: Metadata
  readonly party: Parameters<ClientAuth>[1]
  readonly auth: ClientAuth
}

const KNOWN = [
  'issuer',
  'tokenEndpoint',
  'deviceAuthorizationEndpoint',
  'authorizationEndpoint',
  'revocationEndpoint',
  'clientId',
  'clientSecret',
  'clientAuth',
  'privateKey',
  'fetch',
  'timeout',
  'clock',
]

const METHODS: readonly unknown[] = [undefined, 'client_secret_basic', 'client_secret_post']

/** In seconds: servers put up with less. */
const TOLERATED_SKEW = 30

/** A client of an authorization server. */
export class Client {
  readonly http: Http
  readonly #server: Server
  readonly #options: OAuthClient
  /** The server's time less ours, in seconds, where an answer told it. */
  #skew: number | undefined

  /**
   * @param more names of options that the function has besides
   * @throws RefreshError `invalid_option`
   */
  constructor(options: OAuthClient, more: readonly string[]) {
    checkOptions(options, [...KNOWN, ...more])
    const { clientId, clientSecret, clientAuth, privateKey } = options
    if (typeof clientId !== 'string' || clientId === '') {
      throw optionError(
        'clientId',
        clientId === undefined ? 'is missing' : 'must be a text that is not empty',
      )
    }
    if (!METHODS.includes(clientAuth)) {
      throw optionError('clientAuth', "must be 'client_secret_basic' or 'client_secret_post'")
    }
    if (clientSecret !== undefined) checkSecret('clientSecret', clientSecret)
    if (privateKey !== undefined) checkPrivateKey(privateKey)
    if (clientSecret !== undefined && privateKey !== undefined) {
      throw optionError('privateKey', "must not be given besides a 'clientSecret'")
    }
    this.http = readHttp(options)
    this.#server = new Server(options, this.http, (...request) => this.#send(...request))
    this.#options = options
  }

  /** epoch ms */
  now(): number {
    return this.http.clock.now()
  }

  metadata(peer: Peer, signal: AbortSignal): Promise<Metadata> {
    return this.#server.metadata(peer, signal)
  }

  /**
   * Asks one of the server's endpoints.
   *
   * @throws RefreshError `source_unreachable`, what discovery and the secrets' functions throw; the signal's reason
   */
  async ask(endpoint: Endpoint, signal: AbortSignal, send: SendThrough): Promise<Answer> {
    const peer = await loadOAuth()
    const server = await this.metadata(peer, signal)
    const url = endpointOf(server, endpoint)
    const attempt = async (): Promise<Answer> => {
      const auth = await this.#auth(peer, server, signal)
      const party = { client_id: this.#options.clientId, [peer.clockSkew]: this.#clockSkew() }
      return this.#send(url.host, signal, (fetch, sending) =>
        send(peer, { server, party, auth }, requestOptions(peer, url, fetch, sending)),
      )
    }
    const before = this.#clockSkew()
    const answer = await attempt()
    const { status } = answer.response
    if (status === 404 || status === 410) this.#server.forget()
    const isOffTime = Math.abs(this.#clockSkew() - before) > TOLERATED_SKEW
    // It was signed at what is another time for the server, which has now told us its own.
    return isOffTime && this.#options.privateKey !== undefined && (status === 400 || status === 401)
      ? attempt()
      : answer
  }

  async #send(host: string, signal: AbortSignal, send: Send): Promise<Answer> {
    const answer = await ask(this.http, host, signal, send)
    const { headers } = answer.response
    // What a cache says of the time is old.
    const date = headers.has('age') ? NaN : Date.parse(headers.get('date') ?? '')
    if (!Number.isNaN(date)) this.#skew = Math.floor((date - Date.now()) / 1000)
    return answer
  }

  /** What the platform's time lacks, for it is what the peer goes by. A client's assertion lives a minute. */
  #clockSkew(): number {
    return this.#skew ?? Math.floor((this.now() - Date.now()) / 1000)
  }

  async #auth(peer: Peer, server: Metadata, signal: AbortSignal): Promise<ClientAuth> {
    const { clientSecret, privateKey, clientAuth } = this.#options
    if (privateKey !== undefined) {
      const { audience } = privateKey
      return peer.PrivateKeyJwt(await readPrivateKey(privateKey, signal), {
        [peer.modifyAssertion]: (_header, payload) => {
          if (audience !== undefined) payload['aud'] = audience
        },
      })
    }
    if (clientSecret === undefined) return peer.None()
    const secret = await readSecret('clientSecret', clientSecret, signal)
    const isPost = (clientAuth ?? methodOf(server)) === 'client_secret_post'
    return isPost ? peer.ClientSecretPost(secret) : peer.ClientSecretBasic(secret)
  }
}

/** Basic where the metadata say nothing (RFC 8414 section 2), and wherever it is good enough. */
function methodOf({ token_endpoint_auth_methods_supported: methods }: Metadata): string {
  const isPost = methods?.includes('client_secret_post') && !methods.includes('client_secret_basic')
  return isPost ? 'client_secret_post' : 'client_secret_basic'
}
