import { parseJson } from '../../lib/json.ts'

/** Characters. A longer text is not searched. */
const LONGEST = 65_536
/** The most places at which an object may begin that are tried. */
const MOST = 8

/**
 * Finds JSON objects inside other text: behind a warning, behind a guard against script inclusion (`)]}'`), or in a log. The widest object
 * comes first. A text that is cut off yields none. Call it only for a text that is no JSON itself.
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
