import { CommanderError } from 'commander'
import { EXIT, exitCodeOf, Fault, isRefreshError } from './lib/fault.ts'
import { lineOf, say } from './lib/output.ts'

/**
 * Reports an error in one line on stderr. The message of an error that is not ours may contain a secret, so it shows only the kind of the
 * error and its place.
 *
 * @returns the exit code
 */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return reportUsage(error)
  if (error instanceof Fault) {
    say(lineOf(error))
    return error.exitCode
  }
  if (isRefreshError(error)) {
    say(lineOf({ message: error.message, fix: undefined }))
    return exitCodeOf(error, true)
  }
  const code: unknown = Reflect.get(Object(error), 'code')
  const syscall: unknown = Reflect.get(Object(error), 'syscall')
  // The reader of our output, such as `head`, has ended, and wants no more.
  if (code === 'EPIPE') return EXIT.done
  if (syscall === 'write' && Reflect.get(Object(error), 'path') === undefined) {
    const fix = code === 'ENOSPC' ? 'Is the disk full?' : undefined
    say(lineOf({ message: `What this prints cannot be written (${String(code)}).`, fix }))
    return EXIT.failed
  }
  const where = error instanceof Error ? (/\n\s+at .*/.exec(error.stack ?? '')?.[0].trim() ?? '') : ''
  const name = error instanceof Error ? error.name : 'a value that is no error'
  say(lineOf({ message: `This is a fault of llm-refresh: ${name} ${where}`, fix: undefined }))
  return EXIT.failed
}

function reportUsage({ code, exitCode, message }: CommanderError): number {
  if (exitCode === 0) return EXIT.done
  const said = message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
  // Commander has printed its help, and gives no message.
  const isBare = code === 'commander.help'
  say(lineOf({ message: isBare ? 'Which command?' : said, fix: 'See llm-refresh --help.' }))
  return EXIT.wrongInput
}
