import type { AccessToken } from '../token.ts'

/** What tells a sealed token from any other: some servers give tokens that are themselves JWEs. */
export const SEALED = 'llm-refresh/sealed'

export function isSealedToken(token: AccessToken | undefined): boolean {
  return token?.tokenType === SEALED
}
