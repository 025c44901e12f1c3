import { homedir } from 'node:os'
import { isAbsolute } from 'node:path'
import { wrongInput } from './fault.ts'

/** This user's home folder. undefined for a user without one: a container may run as a user that no file lists. */
export function homeFolder(): string | undefined {
  try {
    const found = homedir()
    return isAbsolute(found) ? found : undefined
  } catch {
    return undefined
  }
}

/**
 * The home folder, for files that belong there. It never falls back to the working folder.
 *
 * @param what ends the sentence "no place for"
 * @param otherwise another remedy
 * @throws Fault
 */
export function homeFor(what: string, otherwise?: string): string {
  const found = homeFolder()
  if (found !== undefined) return found
  const variable = process.platform === 'win32' ? 'USERPROFILE' : 'HOME'
  const fix = otherwise === undefined ? `Set ${variable}.` : `${otherwise}, or set ${variable}.`
  throw wrongInput(`This user has no home folder, and so no place for ${what}.`, fix)
}
