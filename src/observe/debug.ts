/** `node --import llm-refresh/debug app.js` prints what happens to every credential of the process, to stderr. */
import { subscribe } from 'node:diagnostics_channel'
import type { RefreshEvent } from '../core/events.ts'
import { logEvents } from './log-events.ts'

const log = logEvents()
subscribe('llm-refresh', (message) => {
  if (isEvent(message)) log(message)
})

function isEvent(message: unknown): message is RefreshEvent {
  return typeof message === 'object' && message !== null && 'type' in message
}
