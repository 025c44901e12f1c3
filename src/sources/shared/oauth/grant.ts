import type { SourceInput } from '../../../credential/source.ts'
import { RefreshError } from '../../../errors.ts'
import { checkedOptions, optionError, unchecked } from '../../../lib/options.ts'
import { checkSecret, readGiven, readSecret } from '../secret.ts'
import type {
  AssertionTarget,
  ExtensionGrant,
  Grant,
  JwtBearerGrant,
  RefreshTokenGrant,
  TokenExchangeGrant,
} from './options.ts'
import { OURS, type Parameters } from './target.ts'
import { JWT_BEARER, readTokenExchange, TOKEN_EXCHANGE } from './token-exchange.ts'

/** What a grant is told: what is presented, and what for. */
export interface GrantInput extends SourceInput {
  readonly target: Omit<AssertionTarget, 'signal'>
}

/** A grant, as it goes over the wire. */
export interface WireGrant {
  readonly type: string
  /** A person has logged in for it. */
  readonly person: boolean
  /** It presents something signed, which is good for a while only. */
  readonly isSigned: boolean
  readonly parameters: (input: GrantInput) => Promise<Parameters>
  readonly seed?: ((signal: AbortSignal) => Promise<string | undefined>) | undefined
}

const FORMS =
  "must be 'refresh_token', 'client_credentials', { type: 'token_exchange', … }, { type: 'jwt_bearer', … } or an extension { type: 'urn:…', parameters }"

/** @throws RefreshError `invalid_option` */
export function readGrant(given: Grant): WireGrant {
  const grant = typeof given === 'string' ? { type: given } : given
  if (isRefreshToken(grant)) return refreshToken(grant)
  if (isTokenExchange(grant)) return tokenExchange(grant)
  if (isJwtBearer(grant)) return jwtBearer(grant)
  if (given === 'client_credentials') {
    return { type: given, person: false, isSigned: false, parameters: async () => [] }
  }
  if (typeof grant?.type !== 'string' || !('parameters' in grant)) throw optionError('grant', FORMS)
  return extension(grant)
}

type AnyGrant = Exclude<Grant, string> | { readonly type: string }

function isRefreshToken(grant: AnyGrant): grant is RefreshTokenGrant {
  return grant?.type === 'refresh_token'
}

function isTokenExchange(grant: AnyGrant): grant is TokenExchangeGrant {
  return grant?.type === 'token_exchange'
}

function isJwtBearer(grant: AnyGrant): grant is JwtBearerGrant {
  return grant?.type === 'jwt_bearer'
}

/** RFC 7523 section 2.1. */
function jwtBearer(grant: JwtBearerGrant): WireGrant {
  const { assertion } = checkedOptions(grant, unchecked('type', 'assertion'))
  // A function that takes no target takes a signal alone.
  if (typeof assertion !== 'function') checkSecret('grant.assertion', assertion)
  return {
    type: JWT_BEARER,
    person: false,
    isSigned: true,
    parameters: async ({ signal, target }) => [
      ['assertion', await readGiven('grant.assertion', assertion, { ...target, signal })],
    ],
  }
}

function refreshToken(grant: RefreshTokenGrant): WireGrant {
  checkedOptions(grant, unchecked('type', 'refreshToken'))
  const first =
    grant.refreshToken === undefined ? undefined : checkSecret('grant.refreshToken', grant.refreshToken)
  const seed =
    first === undefined ? undefined : (signal: AbortSignal) => readSecret('grant.refreshToken', first, signal)
  return {
    type: 'refresh_token',
    person: true,
    isSigned: false,
    parameters: async ({ current, signal }) => {
      const token = current?.refreshToken ?? (await seed?.(signal))
      if (token !== undefined) return [['refresh_token', token]]
      // A login was there, and it ends with its access token.
      if (current !== undefined) throw broughtNone()
      throw new RefreshError(
        'reauthentication_required',
        "Nobody is logged in, so there is no refresh token to redeem: log in. Where no person logs in, configure another grant, such as 'client_credentials', or give the refresh token in grant.refreshToken.",
      )
    },
    seed,
  }
}

/** Whether its access token has expired or was rejected, nothing replaces it. */
function broughtNone(): RefreshError {
  return new RefreshError(
    'reauthentication_required',
    "The last login brought no refresh token, so it ends with its access token: log in again. For a login that lasts, have the authorization server issue a refresh token to this client. Many servers do so for the scope 'offline_access'.",
  )
}

/** RFC 8693 section 2.1. */
function tokenExchange(grant: TokenExchangeGrant): WireGrant {
  const read = checkedOptions(
    grant,
    unchecked(
      'type',
      'subjectToken',
      'subjectTokenType',
      'actorToken',
      'actorTokenType',
      'requestedTokenType',
    ),
  )
  const subject = checkSecret('grant.subjectToken', read.subjectToken)
  const actor = read.actorToken === undefined ? undefined : checkSecret('grant.actorToken', read.actorToken)
  const write = readTokenExchange(read)
  return {
    type: TOKEN_EXCHANGE,
    person: false,
    isSigned: true,
    parameters: async ({ signal }) => {
      const subjectToken = await readSecret('grant.subjectToken', subject, signal)
      return write(subjectToken, actor && (await readSecret('grant.actorToken', actor, signal)))
    },
  }
}

/** RFC 6749 section 4.5. */
function extension(grant: ExtensionGrant): WireGrant {
  const { type, parameters } = checkedOptions(grant, unchecked('type', 'parameters'))
  if (type === '' || /\s/.test(type)) throw optionError('grant.type', 'must be a grant type, such as a URN')
  if (typeof parameters !== 'object' || parameters === null)
    throw optionError('grant.parameters', 'must be an object')
  const fields = Object.entries(parameters).map(([name, value]) => {
    // What proves the grant may bear OAuth's own names, but not what the other options say.
    if (OURS.includes(name) && !PROOFS.has(name)) {
      throw optionError('grant.parameters', `must not hold '${name}', which is set otherwise`)
    }
    return [name, checkSecret(`grant.parameters.${name}`, value)] as const
  })
  return {
    type,
    person: false,
    isSigned: false,
    parameters: async ({ signal }) => {
      const read = fields.map(async ([name, value]): Promise<[string, string]> => [
        name,
        await readSecret(`grant.parameters.${name}`, value, signal),
      ])
      return Promise.all(read)
    },
  }
}

const PROOFS = new Set(['assertion', 'subject_token', 'actor_token', 'token', 'code', 'device_code'])
