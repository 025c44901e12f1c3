import { RefreshError } from '../../errors.ts'
import { type AccessToken, readToken } from '../token.ts'
import { type TokenResponse, tokenFromResponse } from './token-response.ts'
import { problemOf } from './usable-token.ts'

/**
 * Reads the token of a person's login.
 *
 * @param now epoch ms
 * @throws RefreshError `invalid_value`, which quotes nothing that was given
 */
export function readLogin(given: AccessToken | TokenResponse, now: number): AccessToken {
  const isResponse = typeof given === 'object' && given !== null && 'access_token' in given
  const token = isResponse ? tokenFromResponse(given, now) : readToken(given)
  const problem = problemOf(token, now)
  if (problem !== undefined) {
    throw new RefreshError('invalid_value', problem.replaceAll('The source gave', 'login() was given'))
  }
  return token
}
