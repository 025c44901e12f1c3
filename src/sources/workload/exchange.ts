import type { MadeFor } from '../../credential/store.ts'
import {
  anything,
  type Check,
  checked,
  checkedOptions,
  either,
  optionError,
  type OptionTableWith,
  unchecked,
} from '../../lib/options.ts'
import { readEndpoint, readPlainHttpEndpoints } from '../../lib/secure-url.ts'
import { each, type Parameters } from '../shared/oauth/target.ts'
import { JWT_BEARER, readTokenExchange, TOKEN_EXCHANGE, tokenType } from '../shared/oauth/token-exchange.ts'
import { aGivenText, aText } from '../shared/secret.ts'
import { HTTP_OPTIONS } from '../shared/token-request.ts'
import type {
  AnthropicWorkloadOptions,
  ExchangeWorkloadOptions,
  OpenAIWorkloadOptions,
  SharedWorkloadOptions,
  WorkloadOptions,
} from './options.ts'

/** How a subject token is exchanged for an access token. */
export interface Exchange {
  readonly endpoint: URL
  readonly headers: Readonly<Record<string, string>>
  /** @param scope the one of the options, or a wider one */
  readonly body: (subjectToken: string, scope: string | undefined) => string
  /** A scope can be asked for. */
  readonly takesScope: boolean
  /** The longest subject token, in characters. */
  readonly longest: number
  /** How long a token lives of which the answer does not say it, in seconds. */
  readonly lifetime: number | undefined
  /** Whom its tokens are for. */
  readonly about: Omit<MadeFor, 'issuer'>
}

const SHARED: Record<'for', Check> & OptionTableWith<'timeout' | 'clock', SharedWorkloadOptions> = {
  ...unchecked('for', 'subjectToken'),
  ...HTTP_OPTIONS,
}
const perhapsText: Check = (given) => (given === undefined ? undefined : aText(given))
const JSON_BODY = { 'content-type': 'application/json' }

/** @throws RefreshError `invalid_option` */
export function readExchange(options: WorkloadOptions): Exchange {
  if (typeof options !== 'object' || options === null) throw optionError('options', 'must be an object')
  if (options.for === 'anthropic') return anthropic(options)
  if (options.for === 'openai') return openai(options)
  if (typeof options.for === 'object' && options.for !== null) return tokenExchange(options)
  throw optionError('for', "must be 'anthropic', 'openai' or { tokenEndpoint, … }")
}

/** A JWT bearer grant (RFC 7523) in JSON, as @anthropic-ai/sdk makes it for `oidc_federation`. */
function anthropic(options: AnthropicWorkloadOptions): Exchange {
  const read = checkedOptions(options, {
    ...SHARED,
    federationRuleId: aGivenText,
    organizationId: aGivenText,
    serviceAccountId: perhapsText,
    workspaceId: perhapsText,
    baseURL: [anything, 'https://api.anthropic.com'],
  })
  const base = readEndpoint('baseURL', read.baseURL, readPlainHttpEndpoints(options.plainHttpEndpoints))
  const parameters = {
    federation_rule_id: read.federationRuleId,
    organization_id: read.organizationId,
    service_account_id: read.serviceAccountId,
    workspace_id: read.workspaceId,
  }
  return {
    endpoint: new URL(`${base.origin}${base.pathname.replace(/\/+$/, '')}/v1/oauth/token`),
    headers: { ...JSON_BODY, 'anthropic-beta': 'oauth-2025-04-20,oidc-federation-2026-04-01' },
    body: (assertion) => JSON.stringify({ grant_type: JWT_BEARER, assertion, ...parameters }),
    takesScope: false,
    longest: 16_384,
    lifetime: undefined,
    about: {
      client: [parameters.federation_rule_id, parameters.service_account_id].filter(Boolean).join(' '),
      audience: [parameters.organization_id, parameters.workspace_id].filter(Boolean).join(' '),
    },
  }
}

/** A token exchange (RFC 8693) in JSON, as openai makes it for `workloadIdentity`. */
function openai(options: OpenAIWorkloadOptions): Exchange {
  const read = checkedOptions(options, {
    ...SHARED,
    subjectTokenType: [either('jwt', 'id_token'), 'jwt'],
    identityProviderId: aGivenText,
    serviceAccountId: aGivenText,
    clientId: perhapsText,
  })
  const parameters = {
    subject_token_type: tokenType('subjectTokenType', read.subjectTokenType),
    identity_provider_id: read.identityProviderId,
    service_account_id: read.serviceAccountId,
    client_id: read.clientId,
  }
  return {
    endpoint: new URL('https://auth.openai.com/oauth/token'),
    headers: JSON_BODY,
    body: (subject) => JSON.stringify({ grant_type: TOKEN_EXCHANGE, subject_token: subject, ...parameters }),
    takesScope: false,
    longest: Infinity,
    lifetime: 3600,
    about: {
      client: [parameters.client_id, parameters.service_account_id].filter(Boolean).join(' '),
      audience: parameters.identity_provider_id,
    },
  }
}

/** A token exchange in form fields (RFC 8693 section 2.1). */
function tokenExchange(options: ExchangeWorkloadOptions): Exchange {
  const { subjectTokenType, plainHttpEndpoints, ...read } = checkedOptions(options, {
    ...SHARED,
    subjectTokenType: anything,
  })
  const { tokenEndpoint, clientId, audience, resource, scope, requestedTokenType, parameters } =
    checkedOptions(read.for, {
      ...unchecked('tokenEndpoint', 'clientId', 'audience', 'resource', 'scope', 'requestedTokenType'),
      parameters: [anything, {}],
    })
  const write = readTokenExchange({ subjectTokenType, requestedTokenType, audience, resource, scope })
  const fixed: Parameters = [
    ['grant_type', TOKEN_EXCHANGE],
    ...each('clientId', clientId, 'client_id'),
    ...Object.entries(parameters).map(([name, value]): [string, string] => [
      name,
      checked('parameters', value, aText),
    ]),
  ]
  return {
    endpoint: readEndpoint('tokenEndpoint', tokenEndpoint, readPlainHttpEndpoints(plainHttpEndpoints)),
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: (subject, wanted) =>
      new URLSearchParams([...fixed, ...write(subject, undefined, wanted)]).toString(),
    takesScope: true,
    longest: Infinity,
    lifetime: undefined,
    about: { client: clientId, audience: joined(audience), resource: joined(resource), scope },
  }
}

function joined(given: string | readonly string[] | undefined): string | undefined {
  return given === undefined ? undefined : [given].flat().join(' ')
}
