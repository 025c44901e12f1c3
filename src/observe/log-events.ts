import type { RefreshEvent, RefreshListener } from '../core/events.ts'
import { sentenceOf } from './sentence.ts'

/** Options of {@link logEvents}. */
export interface LogEventsOptions {
  /**
   * Receives each line, without a line break.
   * @default `console.warn`, which writes to stderr
   */
  write?: ((line: string, event: RefreshEvent) => void) | undefined
}

/** Characters that begin a new line, or control a terminal. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
/** The longest line, in characters. */
const LONGEST = 1_000

/**
 * Makes a listener that prints each event as one sentence, without secrets. `node --import llm-refresh/debug app.js` does this for every
 * credential of a process.
 *
 * @example
 * const credential = createCredential({ source, onEvent: logEvents() })
 * const logged = createCredential({ source, onEvent: logEvents({ write: (line) => logger.info(line) }) })
 */
export function logEvents(options: LogEventsOptions = {}): RefreshListener {
  const { write = (line: string) => console.warn(line) } = options
  return (event) => {
    const account = event.key === undefined ? '' : ` [${event.key}]`
    const line = `llm-refresh${account}: ${sentenceOf(event)}`
    write(line.replaceAll(CONTROLS, ' ').slice(0, LONGEST), event)
  }
}
