import { RefreshError } from '../../../core/errors.ts'
import { checkOptions, optionError } from '../../../core/options.ts'
import { checkSecret, readSecret, type Secret } from '../../secret.ts'
import type { SourceContext } from '../../source.ts'
import type { Grant, RefreshTokenGrant, TokenExchangeGrant } from './options.ts'
import { each, type Parameters } from './target.ts'

/** A grant, as it goes over the wire. */
export interface WireGrant {
  readonly type: string
  /** A person has logged in for it. */
  readonly person: boolean
  readonly parameters: (context: SourceContext) => Promise<Parameters>
}

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:'

/** @throws RefreshError `invalid_option` */
export function readGrant(given: Grant): WireGrant {
  if (given === 'client_credentials') return { type: given, person: false, parameters: async () => [] }
  const grant = given === 'refresh_token' ? { type: given } : given
  switch (grant?.type) {
    case 'refresh_token':
      return refreshToken(grant)
    case 'token_exchange':
      return tokenExchange(grant)
    case 'jwt_bearer': {
      checkOptions(grant, ['type', 'assertion'])
      const assertion = checkSecret('grant.assertion', grant.assertion)
      return {
        type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        person: false,
        parameters: ({ signal }) => secretField('assertion', assertion, signal),
      }
    }
    default:
      throw optionError(
        'grant',
        "must be 'refresh_token', 'client_credentials', { type: 'token_exchange', … } or { type: 'jwt_bearer', … }",
      )
  }
}

function refreshToken(grant: RefreshTokenGrant): WireGrant {
  checkOptions(grant, ['type', 'refreshToken'])
  const first =
    grant.refreshToken === undefined ? undefined : checkSecret('grant.refreshToken', grant.refreshToken)
  return {
    type: 'refresh_token',
    person: true,
    parameters: async ({ current, signal }) => {
      const stored = current?.refreshToken
      if (stored !== undefined) return [['refresh_token', stored]]
      if (first !== undefined) return secretField('refresh_token', first, signal)
      throw new RefreshError('reauthentication_required', 'There is no refresh token to redeem: log in.')
    },
  }
}

/** RFC 8693 section 2.1. */
function tokenExchange(grant: TokenExchangeGrant): WireGrant {
  checkOptions(grant, [
    'type',
    'subjectToken',
    'subjectTokenType',
    'actorToken',
    'actorTokenType',
    'requestedTokenType',
  ])
  const { subjectTokenType = 'jwt', actorTokenType = 'jwt', requestedTokenType } = grant
  const subject = checkSecret('grant.subjectToken', grant.subjectToken)
  const actor = grant.actorToken === undefined ? undefined : checkSecret('grant.actorToken', grant.actorToken)
  const types = [
    ...tokenType('subject_token_type', subjectTokenType),
    ...tokenType('actor_token_type', actor && actorTokenType),
    ...tokenType('requested_token_type', requestedTokenType),
  ]
  return {
    type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    person: false,
    parameters: async ({ signal }) => [
      ...types,
      ...(await secretField('subject_token', subject, signal)),
      ...(actor === undefined ? [] : await secretField('actor_token', actor, signal)),
    ],
  }
}

async function secretField(name: string, given: Secret, signal: AbortSignal): Promise<Parameters> {
  return [[name, await readSecret(name, given, signal)]]
}

function tokenType(name: string, type: string | undefined): Parameters {
  return each(name, type).map(([, given]) => [name, given.includes(':') ? given : TOKEN_TYPE + given])
}
