import { EXIT } from './lib/fault.ts'
import { say } from './lib/output.ts'
import { exitCodeFor, onSignals } from './lib/signals.ts'
import { program } from './program.ts'
import { report } from './report.ts'
import { flushAll, hasGivenUp } from './setup/credential.ts'

/** The wait, in ms, before we tell a person that a token is still being stored. */
const HURRIED = 500
const WAITING = 'A token is being refreshed. It is stored before this ends; interrupt again to end at once.'
/** When the first signal arrived, as `performance.now()`; 0 if none has. */
let endingSince = 0

process.on('uncaughtException', (error) => process.exit(report(error)))
process.on('unhandledRejection', (error) => process.exit(report(error)))
// After a signal, end the process when every token is stored. Commands with more to end set their own handlers.
onSignals(['SIGTERM', 'SIGHUP'], end)
onSignals(['SIGINT'], (signal) => {
  if (process.listenerCount('SIGINT') > 1) return
  // A program that runs this command in a terminal may pass on an interrupt that we have already got. So only a later second one, from a
  // person, ends the process at once.
  const [passed, isSecond] = [performance.now() - endingSince, endingSince > 0]
  if (isSecond && passed > HURRIED / 2) process.exit(exitCodeFor(signal))
  if (!isSecond) setTimeout(() => say(`llm-refresh: ${WAITING}`), HURRIED).unref()
  end(signal)
})
void main()

function end(signal: NodeJS.Signals): void {
  if (endingSince > 0) return
  endingSince = performance.now()
  void flushAll().then(() => process.exit(exitCodeFor(signal)))
}

async function main(): Promise<void> {
  const { words, command, isRun: isChild } = split(process.argv.slice(2))
  try {
    await program(command, words[0]).parseAsync([...words], { from: 'user' })
  } catch (error) {
    const code = report(error)
    // Use exit code 125 for a failure of `run` itself, so that it does not look like an exit code of the command.
    process.exitCode = isChild && code !== EXIT.done && code < 125 ? 125 : code
  }
  if (hasGivenUp()) process.exit()
}

/** Splits off the words after `--`: they are a command of their own, and we read none of them. */
function split(given: readonly string[]): {
  words: readonly string[]
  command: readonly string[]
  isRun: boolean
} {
  const isRun = given[0] === 'run' || given[0] === 'exec'
  const at = isRun ? given.indexOf('--') : -1
  return at < 0
    ? { words: given, command: [], isRun }
    : { words: given.slice(0, at), command: given.slice(at + 1), isRun }
}
