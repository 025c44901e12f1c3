/** The parts of a request line. */
export interface Target {
  /** The first segment of the path. */
  readonly name: string
  /** The rest of the path, unchanged. It begins with its slash, or is empty. */
  readonly rest: string
  /** The query. It begins with its question mark, or is empty. */
  readonly query: string
}

/** Printable ASCII without `#`: a request line has nothing else, and no fragment (RFC 9112 section 3.2). */
const PLAIN = /^\/[!-"$-~]*$/
/** A dot segment between any characters that some server takes for separators. */
const DOT_SEGMENT = /(?:^|[/\\;])\.{1,2}(?:$|[/\\;])/

/**
 * Reads the target of a request line. Returns undefined for a path that some server would shorten, such as `/a/../b` in any encoding: such
 * a path could leave the upstream's base path.
 */
export function readTarget(url: string): Target | undefined {
  if (!PLAIN.test(url)) return undefined
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  if (path.includes('\\') || leavesItsPlace(path)) return undefined
  const slash = path.indexOf('/', 1)
  const end = slash < 0 ? path.length : slash
  return { name: path.slice(1, end), rest: path.slice(end), query: at < 0 ? '' : url.slice(at) }
}

function leavesItsPlace(path: string): boolean {
  // Most paths have neither a dot segment nor an escape.
  if (!path.includes('%') && !path.includes('/.') && !path.includes(';')) return false
  let decoded = path
  // Decode again, because some servers decode more than once.
  for (let round = 0; round < 4; round++) {
    if (DOT_SEGMENT.test(decoded)) return true
    // oxlint-disable-next-line no-control-regex
    if (/[\0-\x1f\x7f\\]/.test(decoded)) return true
    const next = decoded.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    if (next === decoded) return false
    decoded = next
  }
  // A path that is encoded so often is meant to deceive.
  return true
}
