/** The revisions of MCP for which the scenarios run. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const

/** Scenarios that do not apply to this library, and why. They run, too: if one passes, its reason is out of date, and a test fails. */
export const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  'auth/dpop':
    'An extension (DPoP, RFC 9449). The library sends tokens as bearer tokens. If a server demands DPoP, the caller gets its 401.',
  'auth/dpop-nonce': 'As above.',
  'auth/2025-03-26-oauth-endpoint-fallback':
    'The revision 2025-03-26 guessed `/authorize`, `/token` and `/register` at the MCP server. Later revisions removed that, because any program that responds at such a path would get the login.',
}
