import type { SecretOption } from '../shared/secret.ts'
import type { TokenRequestOptions } from '../shared/token-request.ts'

/**
 * Who this workload is, as its platform says it: a function, or a source such as `file('/var/run/secrets/…/token')`. It is
 * asked anew at every exchange.
 */
export type SubjectToken = Exclude<SecretOption, string>

/** What goes for every exchange. */
export interface SharedWorkloadOptions extends TokenRequestOptions {
  subjectToken: SubjectToken
}

/** A federation rule at Anthropic. */
export interface AnthropicWorkloadOptions extends SharedWorkloadOptions {
  for: 'anthropic'
  /** `fdrl_…` */
  federationRuleId: string
  organizationId: string
  /** `svac_…`: the account that the token is expected to be for. Default: the rule's. */
  serviceAccountId?: string | undefined
  /** `wrkspc_…`, or `default`. Needed where the rule covers several. */
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
  /** https, or on this machine. */
  tokenEndpoint: string | URL
  /** Sent where the endpoint wants to know a public client. */
  clientId?: string | undefined
  /** Who the new token is for: names. */
  audience?: string | readonly string[] | undefined
  /** Who the new token is for: URLs (RFC 8707). */
  resource?: string | readonly string[] | undefined
  /** Separated by spaces. */
  scope?: string | undefined
  /** As `subjectTokenType`. Default: the endpoint decides. */
  requestedTokenType?: string | undefined
  /** Whatever else the endpoint wants. */
  parameters?: Readonly<Record<string, string>> | undefined
}

/** An exchange at any endpoint. */
export interface ExchangeWorkloadOptions extends SharedWorkloadOptions {
  for: ExchangeEndpoint
  /**
   * `jwt`, `id_token`, `access_token`, `saml2` …, or a whole URI (RFC 8693 section 3).
   * @default 'jwt'
   */
  subjectTokenType?: string | undefined
}

/** What is exchanged, and where. */
export type WorkloadOptions = AnthropicWorkloadOptions | OpenAIWorkloadOptions | ExchangeWorkloadOptions
