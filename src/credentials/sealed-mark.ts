import type { AccessToken } from './token.ts'

/** The type of a token that is a sealed record. Some servers give tokens that are themselves JWEs, so the form alone does not tell. */
export const SEALED = 'llm-refresh/sealed'

/**
 * Whether a stored token is a sealed record, which only the keys open: a process that reads it without `sealed()` must neither send
 * nor replace it.
 */
export function isSealedToken(token: AccessToken | undefined): boolean {
  return token?.tokenType === SEALED
}
