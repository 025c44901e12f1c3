import { say } from '../lib/output.ts'
import { exitCodeFor, onSignals } from '../lib/signals.ts'
import { flushAll } from './credential.ts'

/** The wait, in ms, before we tell a person that a token is still being stored. */
const HURRIED = 500
const WAITING = 'A token is being refreshed. It is stored before this ends; interrupt again to end at once.'
/** When the first signal arrived, as `performance.now()`; 0 if none has. */
let endingSince = 0

/**
 * A signal ends the process once every token is stored. A person's second interrupt ends it at once.
 *
 * @param code the exit code. Default: 128 + n for signal n
 */
export function endOnSignals(code?: number): void {
  const end = (signal: NodeJS.Signals): void => {
    if (endingSince > 0) return
    endingSince = performance.now()
    void flushAll().then(() => process.exit(code ?? exitCodeFor(signal)))
  }
  onSignals(['SIGTERM', 'SIGHUP'], end)
  onSignals(['SIGINT'], (signal) => {
    if (process.listenerCount('SIGINT') > 1) return
    // A program that runs this command in a terminal may pass on an interrupt that we have already got. So only a later second one, from a
    // person, ends the process at once.
    const [passed, isSecond] = [performance.now() - endingSince, endingSince > 0]
    if (isSecond && passed > HURRIED / 2) process.exit(code ?? exitCodeFor(signal))
    if (!isSecond) setTimeout(() => say(`llm-refresh: ${WAITING}`), HURRIED).unref()
    end(signal)
  })
}
