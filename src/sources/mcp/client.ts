import type { Store } from '../../credential/store.ts'
import { RefreshError } from '../../errors.ts'
import {
  anything,
  type Check,
  checkedOptions,
  either,
  optionError,
  type OptionTable,
  unchecked,
} from '../../lib/options.ts'
import { readEndpoint } from '../../lib/secure-url.ts'
import { Client } from '../shared/oauth/client.ts'
import type { OAuthClient } from '../shared/oauth/options.ts'
import { shown } from '../shared/oauth/shown.ts'
import { errorOf } from '../shared/refused-words.ts'
import { readBody } from '../shared/response-body.ts'
import { HTTP_OPTIONS, type WholeResponse } from '../shared/token-request.ts'
import type { Found } from './discovery.ts'
import { refused } from './hosts.ts'
import type { McpClient } from './options.ts'
import { type Registered, Registrations } from './registrations.ts'

const OPTIONS: OptionTable<McpClient> = {
  ...unchecked('store', 'issuers', 'issuer', 'resourceMetadata', 'clientId', 'clientSecret', 'clientAuth'),
  ...unchecked('privateKey', 'clientAssertion', 'clientMetadataUrl'),
  resourceParameter: either('sent', 'omitted'),
  scope: anything,
  ...HTTP_OPTIONS,
}
const PROOFS = ['clientSecret', 'clientAuth', 'privateKey', 'clientAssertion'] as const

/** @throws RefreshError `invalid_option` */
export function checkClient(options: McpClient, more: Readonly<Record<string, Check>>): void {
  const table: OptionTable<McpClient> = { ...OPTIONS, ...more }
  const { clientId, clientMetadataUrl } = checkedOptions(options, table)
  if (clientId !== undefined && clientMetadataUrl !== undefined) {
    throw optionError('clientMetadataUrl', "must not be given besides a 'clientId'")
  }
  if (clientMetadataUrl !== undefined) {
    const url = readEndpoint('clientMetadataUrl', clientMetadataUrl)
    const hasDots = /\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(clientMetadataUrl)
    if (url.protocol !== 'https:' || url.pathname === '/' || hasDots) {
      throw optionError(
        'clientMetadataUrl',
        "must be an https URL with a path, such as 'https://app.example.com/client.json'",
      )
    }
    const shared = (['clientSecret', 'clientAuth'] as const).find((name) => options[name] !== undefined)
    if (shared !== undefined) {
      throw optionError(shared, "must not be given besides a 'clientMetadataUrl': use a 'privateKey'")
    }
  }
  const proof = PROOFS.find((name) => options[name] !== undefined)
  if (clientId === undefined && clientMetadataUrl === undefined && proof !== undefined) {
    throw optionError('clientId', `is missing: '${proof}' is that of a client that is registered already`)
  }
  // The constructor of `Client` checks the other options.
  if (clientId !== undefined) makeClient(options, { id: clientId }, 'https://issuer.invalid', undefined)
}

/** The `resource` parameter of a request (RFC 8707); undefined if the options omit it. */
export function sentResource({ resourceParameter }: McpClient, resource: string): string | undefined {
  return resourceParameter === 'omitted' ? undefined : resource
}

function makeClient(
  options: McpClient,
  { id, secret, auth }: Pick<Registered, 'id' | 'secret' | 'auth'>,
  issuer: string,
  found: Found | undefined,
): Client {
  const { fetch, timeout, plainHttpEndpoints, clock, privateKey, clientAssertion } = options
  const isOwn = id === options.clientId
  const proofs: Partial<OAuthClient> = isOwn
    ? { clientSecret: options.clientSecret, clientAuth: options.clientAuth }
    : { clientSecret: secret, clientAuth: auth }
  const hasKey = isOwn || id === options.clientMetadataUrl
  return new Client(
    {
      issuer,
      clientId: id,
      ...proofs,
      ...(hasKey && { privateKey, clientAssertion }),
      fetch,
      timeout,
      plainHttpEndpoints,
      clock,
    },
    {},
    found?.described,
  )
}

/** Finds the OAuth client that an MCP source or login uses at an authorization server. */
export class Clients {
  readonly #options: McpClient
  readonly #store: Store

  constructor(options: McpClient, store: Store) {
    this.#options = options
    this.#store = store
  }

  /** The configured client id. It is the same at every server. */
  get configured(): string | undefined {
    return this.#options.clientId
  }

  /** Whether the client registered itself (RFC 7591). Such a client can register again. */
  isRegistered(id: string): boolean {
    return id !== this.#options.clientId && id !== this.#options.clientMetadataUrl
  }

  /** Whether the client authenticates with a secret or a key of the configuration. */
  proves(id: string): boolean {
    return !this.isRegistered(id) && PROOFS.some((name) => this.#options[name] !== undefined)
  }

  registrations({ issuer }: Found): Registrations {
    return new Registrations(this.#store, issuer)
  }

  /**
   * The client that the configuration names, else the client that a token was issued to, else a registered one.
   *
   * @param id the client that the stored token was issued to
   * @throws RefreshError `reauthentication_required`: there is no such client
   */
  async existing(found: Found, id: string | undefined): Promise<Client> {
    const { clientId, clientMetadataUrl } = this.#options
    const own = clientId ?? id ?? (takesUrls(found) ? clientMetadataUrl : undefined)
    if (own !== undefined && (own === clientId || own === clientMetadataUrl)) {
      return makeClient(this.#options, { id: own }, found.issuer, found)
    }
    const registered = await this.registrations(found).find(own)
    if (registered !== undefined) return makeClient(this.#options, registered, found.issuer, found)
    // The registration may be in another store. A public client needs no more than its id.
    if (own !== undefined) return makeClient(this.#options, { id: own }, found.issuer, found)
    throw new RefreshError(
      'reauthentication_required',
      `No client is registered at ${found.issuer} yet: log in, which registers one, or give a 'clientId'.`,
    )
  }

  /**
   * The client that begins a login: the configured `clientId`, else the Client ID Metadata Document, else a dynamic registration.
   *
   * @throws RefreshError `source_refused`
   */
  async toLogIn(found: Found, ensure: (kept: Registrations) => Promise<Registered>): Promise<Client> {
    const { clientId, clientMetadataUrl } = this.#options
    if (clientId !== undefined) return this.existing(found, clientId)
    if (clientMetadataUrl !== undefined && takesUrls(found)) return this.existing(found, clientMetadataUrl)
    if (found.described.metadata.registration_endpoint === undefined) {
      const why = clientMetadataUrl === undefined ? '' : " and takes no 'clientMetadataUrl'"
      throw refused(
        `${shown(found.issuer)} lets no client register itself${why}: register one there, and give its 'clientId'.`,
      )
    }
    return makeClient(this.#options, await ensure(this.registrations(found)), found.issuer, found)
  }

  /**
   * Checks that this process knows the client of a stored login. A record holds the `clientId` of the program that logged in, but not its
   * secret or key. Without them this process would send the refresh token as another client.
   *
   * @throws RefreshError `reauthentication_required`
   */
  async assertKnown(found: Found, id: string): Promise<void> {
    if (!this.isRegistered(id)) return
    const registrations = this.registrations(found)
    if ((await registrations.find(id)) !== undefined) return
    const { clientMetadataUrl } = this.#options
    const other =
      (takesUrls(found) ? clientMetadataUrl : undefined) ?? (await registrations.find(undefined))?.id
    const own = other === undefined ? 'has no client' : `would use the client ${shown(other)}`
    throw new RefreshError(
      'reauthentication_required',
      `The stored login was made for the client ${shown(id)}, and this credential, without a 'clientId', ${own}. Its refresh token is not sent: give the credential the 'clientId' ${shown(id)}, with the secret or key that it has, or log in again.`,
    )
  }
}

/** Whether the server accepts the URL of a Client ID Metadata Document as a client's id. */
function takesUrls({ described }: Found): boolean {
  return described.metadata['client_id_metadata_document_supported'] === true
}

/** Whether the response says that the server does not know the client (any more). */
export function isUnknownClient({ response, text, secrets }: WholeResponse): boolean {
  if (response.status !== 400 && response.status !== 401) return false
  const { codes } = errorOf(readBody(text, response.headers.get('content-type') ?? ''), secrets)
  return codes.includes('invalid_client')
}
