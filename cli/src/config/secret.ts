import { readFile } from 'node:fs/promises'
import { isAbsolute, resolve, sep } from 'node:path'
import { textOf } from '../lib/text.ts'
import type { SecretReference } from './fields.ts'

/** Resolves a path in the configuration. A relative path begins at the configuration's folder. */
export function pathIn(folder: string, path: string): string {
  return isAbsolute(path) ? path : resolve(folder, path)
}

/** Resolves a program in the configuration. A bare name is looked up on the PATH; a name with a slash is a path. */
export function programIn(folder: string, program: string): string {
  return program.includes('/') || program.includes(sep) ? pathIn(folder, program) : program
}

/**
 * Makes a function that reads a secret when it is called. Its errors name the reference, and never the secret.
 *
 * @param what the name of the field, for messages
 */
export function secretReader(
  reference: SecretReference,
  folder: string,
  what: string,
): (context?: { readonly signal?: AbortSignal }) => Promise<string> {
  return async ({ signal } = {}) => {
    const { RefreshError } = await import('../lib/library.ts')
    const refused = (message: string): Error => new RefreshError('invalid_option', `${what}: ${message}`)
    if ('env' in reference) {
      const value = process.env[reference.env]?.trim() ?? ''
      if (value === '')
        throw refused(`the environment variable ${reference.env} is not set, or empty: set it.`)
      return value
    }
    if ('file' in reference) {
      const path = pathIn(folder, reference.file)
      const bytes = await readFile(path, { signal }).catch((error: unknown) => {
        throw refused(`the file ${path} cannot be read (${String(Reflect.get(Object(error), 'code'))}).`)
      })
      const text = textOf(bytes)
      if (text.trim() === '') throw refused(`the file ${path} is empty.`)
      return text.trim()
    }
    const [program, ...args] = reference.command
    const { command } = await import('llm-refresh/sources/command')
    const source = command({
      file: programIn(folder, program),
      args,
      cwd: folder,
      parse: (text) => ({ accessToken: text.trim() }),
    })
    const context = {
      current: undefined,
      challenge: undefined,
      signal: signal ?? new AbortController().signal,
      sent: () => undefined,
    }
    return (await source.issue(context)).accessToken
  }
}
