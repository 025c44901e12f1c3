/** Revisions of MCP whose clients the scenarios are run as. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const

/** Scenarios of the runner's that do not concern this library, and why. Each is run, too: the reason must not outlive the failure. */
export const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  'auth/dpop':
    'An extension (DPoP, RFC 9449). Tokens are sent as bearer tokens; a server that demands DPoP is refused with its 401.',
  'auth/dpop-nonce': 'As above.',
  'auth/2025-03-26-oauth-endpoint-fallback':
    'The revision 2025-03-26 guessed `/authorize`, `/token` and `/register` at the MCP server. Later revisions took that out, since whoever answers at such a path would get the login.',
}
