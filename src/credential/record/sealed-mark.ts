import type { AccessToken } from '../token.ts'

/** The token type that marks a sealed token. Some servers issue tokens that are JWEs themselves, so the form cannot. */
export const SEALED = 'llm-refresh/sealed'

export function isSealedToken(token: AccessToken | undefined): boolean {
  return token?.tokenType === SEALED
}
