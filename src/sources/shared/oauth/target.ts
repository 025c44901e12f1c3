import { checked, describe, optionError, type Check, unchecked } from '../../../lib/options.ts'
import { aText } from '../secret.ts'
import type { TokenTarget } from './options.ts'

/** The parameters of a request. A name may appear more than once. */
export type Parameters = [string, string][]

export const TARGET: Record<keyof TokenTarget, Check> = unchecked(
  'scope',
  'resource',
  'audience',
  'parameters',
)

/** Parameters that the option `parameters` must not hold: each has its own option, or the library sets it. */
export const OURS: readonly string[] = (
  'grant_type client_id client_secret client_assertion client_assertion_type response_type scope resource audience ' +
  'refresh_token assertion subject_token actor_token token redirect_uri state code code_challenge ' +
  'code_challenge_method code_verifier device_code'
).split(' ')

/** @throws RefreshError `invalid_option` */
export function readTarget({ scope, resource, audience, parameters = {} }: TokenTarget): Parameters {
  if (typeof parameters !== 'object' || parameters === null)
    throw optionError('parameters', `must be an object of texts, not ${describe(parameters)}`)
  for (const name of Object.keys(parameters)) {
    if (OURS.includes(name))
      throw optionError('parameters', `must not hold '${name}', which is set otherwise`)
  }
  return [
    ...(scope === undefined ? [] : each('scope', checked('scope', scope, aText))),
    ...each('resource', resource),
    ...each('audience', audience),
    ...Object.entries(parameters).map(([name, value]): [string, string] => [
      name,
      checked('parameters', value, aText),
    ]),
  ]
}

/** @param field the name in the request, if the option has another name */
export function each(
  name: string,
  given: string | readonly string[] | undefined,
  field: string = name,
): Parameters {
  if (given === undefined) return []
  return [given].flat().map((value) => [field, checked(name, value, aText)])
}
