import { EXIT } from './lib/fault.ts'
import { program } from './program.ts'
import { report } from './report.ts'
import { hasGivenUp } from './setup/credential.ts'
import { endOnSignals } from './setup/ending.ts'

process.on('uncaughtException', (error) => process.exit(report(error)))
process.on('unhandledRejection', (error) => process.exit(report(error)))
// Commands that have more to end than tokens handle signals themselves.
endOnSignals()
void main()

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
