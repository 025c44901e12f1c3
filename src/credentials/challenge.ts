/** A parameter of a `WWW-Authenticate` header (RFC 9110 section 11.6.1). Undefined where it is not there. */
function parameterOf(challenge: string | undefined, name: string): string | undefined {
  const pattern = new RegExp(`(?:^|[\\s,])${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))`, 'i')
  const [, quoted, bare] = pattern.exec(challenge ?? '') ?? []
  return quoted?.replaceAll(/\\(.)/g, '$1') ?? bare
}

/** The claims that Entra ID asks for when it wants more than was shown (a claims challenge), as JSON. */
export function claimsOf(challenge: string | undefined): string | undefined {
  const claims = parameterOf(challenge, 'claims')
  if (claims === undefined) return undefined
  try {
    const bytes = atob(claims.replaceAll('-', '+').replaceAll('_', '/'))
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)))
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}
