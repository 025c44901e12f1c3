import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readConfigFile } from './file.ts'
import { knownConfiguration, noteConfiguration } from './known.ts'
import { type Location, locate } from './locate.ts'
import type { Config } from './schema.ts'

export type { Config } from './schema.ts'

/**
 * Reads the configuration.
 *
 * @param option the value of `--config`
 * @throws Fault that names the first wrong field, its line, and the remedy
 */
export async function readConfig(option: string | undefined): Promise<Config> {
  const location = locate(option)
  const { path } = location
  const text = await readConfigFile(location)
  const known = knownConfiguration(path, text)
  if (known !== undefined) return { ...known, path, folder: dirname(path) }
  // Load the schema only when it is needed: it takes longer to load than most commands run.
  const { parseConfig } = await import('./parse.ts')
  const config = parseConfig(location, text)
  noteConfiguration(path, text, config)
  return config
}

/** Reads the configuration, or returns an empty one if there is no file yet. */
export async function readConfigOrNone(option: string | undefined): Promise<Config> {
  const { path } = locate(option)
  return (await isMissing({ path })) ? { version: 1, path, folder: dirname(path) } : readConfig(option)
}

export async function isMissing({ path }: Pick<Location, 'path'>): Promise<boolean> {
  return access(path).then(
    () => false,
    (error: unknown) => Reflect.get(Object(error), 'code') === 'ENOENT',
  )
}
