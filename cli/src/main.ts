import { EXIT } from './lib/fault.ts'
import { say } from './lib/output.ts'
import { exitCodeFor, onSignals } from './lib/signals.ts'
import { program } from './program.ts'
import { report } from './report.ts'
import { flushAll, hasGivenUp } from './setup/credential.ts'

/** ms */
const HURRIED = 500
const WAITING = 'A token is being refreshed. It is stored before this ends; interrupt again to end at once.'
/** When the first signal came, as `performance.now()` has it; 0: there was none. */
let endingSince = 0

process.on('uncaughtException', (error) => process.exit(report(error)))
process.on('unhandledRejection', (error) => process.exit(report(error)))
// A signal ends the process once every token is stored. Commands that have more to end hear of signals themselves.
onSignals(['SIGTERM', 'SIGHUP'], end)
onSignals(['SIGINT'], (signal) => {
  if (process.listenerCount('SIGINT') > 1) return
  // Whoever runs this in a terminal may pass on the interrupt that we got from it, too: only a person's second one hurries.
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
    // What is wrong with the words of `run` must not look like an end of its command.
    process.exitCode = isChild && code !== EXIT.done && code < 125 ? 125 : code
  }
  if (hasGivenUp()) process.exit()
}

/** What stands after `--` is a command of its own: none of its words are ours. */
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
