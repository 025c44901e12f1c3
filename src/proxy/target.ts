/** The parts of a request line. */
export interface Target {
  /** The first segment of the path. */
  readonly name: string
  /** The rest of the path, as it came: empty, or from its slash on. */
  readonly rest: string
  /** From its question mark on, or empty. */
  readonly query: string
}

/** Printable ASCII: nothing else belongs in a request line, and no fragment does (RFC 9112 section 3.2). */
const PLAIN = /^\/[!-"$-~]*$/
/** A dot segment, between any characters that some server on the way takes for separators. */
const DOT_SEGMENT = /(?:^|[/\\;])\.{1,2}(?:$|[/\\;])/

/**
 * Reads a request line's target. A path that some server would shorten, such as `/a/../b` and all its encodings, could leave the upstream's base path: it is none.
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
  // Some servers decode more than once.
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
  // Whatever is encoded that often is encoded to deceive.
  return true
}
