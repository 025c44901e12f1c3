/** `node --import llm-refresh/debug app.js` prints what happens to every credential of the process, to stderr. */
import { subscribe } from 'node:diagnostics_channel'
import type { RefreshEvent } from '../core/events.ts'
import { harmless } from '../lib/harmless.ts'
import { logEvents } from './log-events.ts'

const log = logEvents()
subscribe('llm-refresh', (message) => {
  if (!isEvent(message)) return
  log(message)
  const thrown = message.type === 'refresh_failed' ? message.error.cause : undefined
  // The program's own function threw this error. Its message may hold a secret, so clean it like a server's words.
  if (
    message.type === 'refresh_failed' &&
    message.error.code === 'refresh_failed' &&
    thrown instanceof Error
  ) {
    console.warn(`llm-refresh: The function threw ${thrown.name}: ${harmless(thrown.message, [])}`)
  }
})

function isEvent(message: unknown): message is RefreshEvent {
  return typeof message === 'object' && message !== null && 'type' in message
}
