import type { AccessToken } from '../token.ts'

/** The token type that marks a sealed token. The form of the token cannot mark it, because some servers issue tokens that are JWEs. */
export const SEALED = 'llm-refresh/sealed'

export function isSealedToken(token: AccessToken | undefined): boolean {
  return token?.tokenType === SEALED
}
