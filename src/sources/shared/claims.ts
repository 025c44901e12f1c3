import { utf8 } from '../../lib/utf8.ts'

/** Characters. A longer header is not read. */
const LONGEST_HEADER = 16_384
/** Bounds on the claims that a challenge may demand, in bytes and levels. An API writes them, and we pass them to the authorization server. */
const [MOST_BYTES, DEEPEST] = [2_048, 8]

/** A parameter of a `WWW-Authenticate` header (RFC 9110 section 11.6.1); undefined if the header does not have it. */
export function parameterOf(challenge: string, name: string): string | undefined {
  const pattern = new RegExp(
    `(?:^|[\\s,])${name}\\s{0,8}=\\s{0,8}(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))`,
    'i',
  )
  const [, quoted, bare] = pattern.exec(challenge) ?? []
  return quoted?.replaceAll(/\\(.)/g, '$1') ?? bare
}

/**
 * The claims that a claims challenge of Microsoft's APIs demands, as JSON. Undefined if there are none, or if they exceed 2 KiB or 8 levels.
 */
export function claimsOf(challenge: string | undefined): string | undefined {
  if (challenge === undefined || challenge.length > LONGEST_HEADER) return undefined
  const claims = parameterOf(challenge, 'claims')
  if (claims === undefined || claims.length > MOST_BYTES * 2) return undefined
  try {
    const bytes = atob(claims.replaceAll('-', '+').replaceAll('_', '/'))
    if (bytes.length > MOST_BYTES) return undefined
    const text = utf8().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)))
    return isObject(JSON.parse(text)) && levelsOf(text) <= DEEPEST ? text : undefined
  } catch {
    return undefined
  }
}

/** Counts the levels of nesting of a JSON text, without recursion: a deep text would overflow the stack. */
function levelsOf(json: string): number {
  let [deepest, level] = [0, 0]
  for (const [bracket] of json.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/[[\]{}]/g)) {
    level += bracket === '{' || bracket === '[' ? 1 : -1
    deepest = Math.max(deepest, level)
  }
  return deepest
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
