import { EXIT } from './lib/fault.ts'
import { program } from './program.ts'
import { report } from './report.ts'
import { hasGivenUp } from './setup/credential.ts'
import { endOnSignals } from './setup/ending.ts'

process.on('uncaughtException', (error) => process.exit(report(error)))
process.on('unhandledRejection', (error) => process.exit(report(error)))
// Commands with more to end set their own handlers.
endOnSignals()
void main()

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
