import { parseJson } from '../../lib/json.ts'

/** Characters: what is longer is not searched. */
const LONGEST = 65_536
/** Beginnings that are tried. */
const MOST = 8

/**
 * JSON objects that stand among other text: behind a warning, a guard against inclusion (`)]}'`), or in a log. The widest goes first. None
 * where the text is JSON itself, or is cut off.
 */
export function* embeddedJson(text: string): Generator<object> {
  if (text.length > LONGEST) return
  const end = text.lastIndexOf('}') + 1
  const starts = [text.indexOf('{')]
  for (const { index } of text.matchAll(/^[ \t]{0,64}\{/gm)) starts.push(index)
  let until = 0
  for (const start of starts.slice(0, MOST)) {
    if (start < until || start >= end) continue
    const line = text.indexOf('\n', start)
    for (const stop of line < 0 || line >= end ? [end] : [end, line]) {
      const found = parseJson(text.slice(start, stop))?.value
      if (typeof found !== 'object' || found === null || Array.isArray(found)) continue
      until = stop
      yield found
      break
    }
  }
}
