import type { SecretOption } from '../shared/secret.ts'
import type { TokenRequestOptions } from '../shared/token-request.ts'

/**
 * The platform's token for this workload: a function that returns it, or a source such as `file('/var/run/secrets/…/token')`. The source reads
 * it anew at every exchange.
 */
export type SubjectToken = Exclude<SecretOption, string>

/** Options of every exchange. */
export interface SharedWorkloadOptions extends TokenRequestOptions {
  subjectToken: SubjectToken
}

/** A federation rule at Anthropic. */
export interface AnthropicWorkloadOptions extends SharedWorkloadOptions {
  for: 'anthropic'
  /** `fdrl_…` */
  federationRuleId: string
  organizationId: string
  /** `svac_…`: the service account of the token. Default: the rule's account. */
  serviceAccountId?: string | undefined
  /** `wrkspc_…`, or `default`. Required if the rule covers several workspaces. */
  workspaceId?: string | undefined
  /** @default 'https://api.anthropic.com' */
  baseURL?: string | URL | undefined
}

/** A workload identity provider at OpenAI. */
export interface OpenAIWorkloadOptions extends SharedWorkloadOptions {
  for: 'openai'
  identityProviderId: string
  serviceAccountId: string
  clientId?: string | undefined
  /** @default 'jwt' */
  subjectTokenType?: 'jwt' | 'id_token' | undefined
}

/** Any endpoint that exchanges tokens (RFC 8693). */
export interface ExchangeEndpoint {
  /** An https URL, or an http URL of this machine or of `plainHttpEndpoints`. */
  tokenEndpoint: string | URL
  /** The id of a public client, for an endpoint that requires one. */
  clientId?: string | undefined
  /** The names of the services that the new token is for (RFC 8693 section 2.1). */
  audience?: string | readonly string[] | undefined
  /** The URLs of the services that the new token is for (RFC 8707). */
  resource?: string | readonly string[] | undefined
  /** Separated by spaces. */
  scope?: string | undefined
  /** The type of the new token, spelled as `subjectTokenType` is. Default: the endpoint decides. */
  requestedTokenType?: string | undefined
  /** Further parameters of the request. */
  parameters?: Readonly<Record<string, string>> | undefined
}

/** Options of an exchange at any endpoint. */
export interface ExchangeWorkloadOptions extends SharedWorkloadOptions {
  for: ExchangeEndpoint
  /**
   * `jwt`, `id_token`, `access_token`, `saml2` …, or a whole URI (RFC 8693 section 3).
   * @default 'jwt'
   */
  subjectTokenType?: string | undefined
}

/** Options of `workload()`. */
export type WorkloadOptions = AnthropicWorkloadOptions | OpenAIWorkloadOptions | ExchangeWorkloadOptions
