import type { ClientAuth } from 'oauth4webapi'
import { optionError } from '../../../lib/options.ts'
import { checkSecret, readSecret } from '../secret.ts'
import type { Peer } from './oauth4webapi.ts'
import type { OAuthClient } from './options.ts'
import { checkPrivateKey, nameOfPrivateKey, readPrivateKey } from './private-key.ts'

/** The method by which a client sends its secret. */
export type SecretMethod = 'client_secret_basic' | 'client_secret_post'

const METHODS: readonly unknown[] = [undefined, 'client_secret_basic', 'client_secret_post']
const PROOFS = ['clientSecret', 'privateKey', 'clientAssertion'] as const
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** How a client authenticates at the authorization server. */
export class ClientSecrets {
  readonly #options: OAuthClient

  /** @throws RefreshError `invalid_option` */
  constructor(options: OAuthClient) {
    const { clientSecret, clientAuth, privateKey, clientAssertion } = options
    if (!METHODS.includes(clientAuth)) {
      throw optionError('clientAuth', "must be 'client_secret_basic' or 'client_secret_post'")
    }
    if (clientSecret !== undefined) checkSecret('clientSecret', clientSecret)
    if (privateKey !== undefined) checkPrivateKey(privateKey)
    if (clientAssertion !== undefined) checkSecret('clientAssertion', clientAssertion)
    const [first, second] = PROOFS.filter((name) => options[name] !== undefined)
    if (first !== undefined && second !== undefined) {
      throw optionError(second, `must not be given besides a '${first}'`)
    }
    this.#options = options
  }

  /** Whether the client authenticates with a signed assertion, which expires soon. */
  get isSigned(): boolean {
    const { privateKey, clientAssertion } = this.#options
    return privateKey !== undefined || clientAssertion !== undefined
  }

  /** Whether this process signs the assertion, so that its clock matters. */
  get signs(): boolean {
    return this.#options.privateKey !== undefined
  }

  /** @throws RefreshError `invalid_option` if the client has no secret, key or assertion. Its own identity is all that this grant goes by. */
  refusePublic(): void {
    if (PROOFS.some((name) => this.#options[name] !== undefined)) return
    // A fetch of the user's may present a client certificate (RFC 8705). But a secret option with the value undefined is an unset variable.
    const isNamed = PROOFS.some((name) => name in this.#options)
    if (this.#options.fetch !== undefined && !isNamed) return
    throw optionError(
      'clientSecret',
      "is missing (an unset variable?): with grant 'client_credentials' the client proves itself by it, by a 'privateKey' or by a 'clientAssertion'",
    )
  }

  /** The method, for messages; undefined: the server's metadata decide how the client sends its secret. */
  get method(): string | undefined {
    const { privateKey, clientAssertion, clientSecret, clientAuth } = this.#options
    if (privateKey !== undefined) return 'private_key_jwt'
    if (clientAssertion !== undefined) return 'client assertion'
    return clientSecret === undefined ? 'public, without a secret' : clientAuth
  }

  /** The part of the proof that stays the same in each request: the secret, or the name of the key. Never a private key. */
  async presented(signal: AbortSignal): Promise<string> {
    const { privateKey, clientSecret } = this.#options
    if (privateKey !== undefined) return nameOfPrivateKey(privateKey, signal)
    return clientSecret === undefined ? '' : readSecret('clientSecret', clientSecret, signal)
  }

  async auth(peer: Peer, method: SecretMethod, signal: AbortSignal): Promise<ClientAuth> {
    const { clientSecret, privateKey, clientAuth, clientAssertion } = this.#options
    if (privateKey !== undefined) {
      const { audience } = privateKey
      return peer.PrivateKeyJwt(await readPrivateKey(privateKey, signal), {
        [peer.modifyAssertion]: (_header, payload) => {
          if (audience !== undefined) payload['aud'] = audience
        },
      })
    }
    if (clientAssertion !== undefined) {
      return asserted(await readSecret('clientAssertion', clientAssertion, signal))
    }
    if (clientSecret === undefined) return peer.None()
    const secret = await readSecret('clientSecret', clientSecret, signal)
    return (clientAuth ?? method) === 'client_secret_post' ? peer.ClientSecretPost(secret) : basic(secret)
  }
}

/** Authentication with an assertion that the platform has signed (RFC 7523 section 2.2). */
function asserted(assertion: string): ClientAuth {
  return (_server, { client_id: id }, body) => {
    body.set('client_id', id)
    body.set('client_assertion_type', JWT_BEARER)
    body.set('client_assertion', assertion)
  }
}

/**
 * HTTP Basic (RFC 6749 section 2.3.1). oauth4webapi escapes more characters than necessary, such as the `-` of a UUID. Some servers do not
 * decode the credentials, and would then not know the client. So we escape them ourselves.
 */
function basic(secret: string): ClientAuth {
  return (_server, { client_id: id }, _body, headers) => {
    headers.set('authorization', `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`)
  }
}
