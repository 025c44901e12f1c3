import { homedir } from 'node:os'
import { isAbsolute } from 'node:path'
import { wrongInput } from './fault.ts'

/** This user's home folder. undefined for a user that has none: a container may run as one that no file knows. */
export function homeFolder(): string | undefined {
  try {
    const found = homedir()
    return isAbsolute(found) ? found : undefined
  } catch {
    return undefined
  }
}

/**
 * The home folder, for what has its place there. The working folder must not stand in for it.
 *
 * @param what to go on with "no place for"
 * @param otherwise what mends it besides
 * @throws Fault
 */
export function homeFor(what: string, otherwise?: string): string {
  const found = homeFolder()
  if (found !== undefined) return found
  const variable = process.platform === 'win32' ? 'USERPROFILE' : 'HOME'
  const fix = otherwise === undefined ? `Set ${variable}.` : `${otherwise}, or set ${variable}.`
  throw wrongInput(`This user has no home folder, and so no place for ${what}.`, fix)
}
