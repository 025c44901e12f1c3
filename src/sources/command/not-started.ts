import { RefreshError } from '../../errors.ts'
import type { CommandSettings } from './options.ts'

/** Errors of a machine that is short of memory, processes or file descriptors. */
const SHORTAGES: ReadonlySet<unknown> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'])

/** The error for a command that the system could not start. */
export function notStarted({ file, cwd }: CommandSettings, cause: unknown): RefreshError {
  const code: unknown = Reflect.get(Object(cause), 'code')
  // The platform's error lists the arguments, which may hold secrets.
  if (typeof cause === 'object' && cause !== null) Reflect.deleteProperty(cause, 'spawnargs')
  if (SHORTAGES.has(code)) {
    const message = `${file} cannot be started now (${String(code)}): close other programs, or raise this machine's limits.`
    return new RefreshError('source_unavailable', message, { cause })
  }
  const folder = cwd === undefined ? '' : `, or the folder ${cwd} does not exist`
  const problem =
    code === 'ENOENT' && /\s/.test(file)
      ? `was not found (ENOENT): name the program alone, and each argument for itself, for there is no shell.`
      : code === 'ENOENT'
        ? `was not found, or the interpreter it names was not${folder} (ENOENT): is it installed, and its path right?`
        : `cannot be started (${String(code)}): is it an executable? There is no shell to run anything else.`
  return new RefreshError('invalid_option', `The program ${file} ${problem}`, { cause })
}
