import { readCache, writeCache } from '../lib/cache.ts'
import type { Configuration } from './schema.ts'

declare const VERSION: string

/** A configuration that this version of the command has read and found valid. */
interface Known {
  readonly version: string
  readonly text: string
  readonly configuration: Configuration
}

const nameOf = (path: string): string => `config ${path}`

/** The configuration for a text that was read before; undefined if the text has to be parsed. */
export function knownConfiguration(path: string, text: string): Configuration | undefined {
  const known = readCache<Known>(nameOf(path))
  return known?.version === VERSION && known.text === text ? known.configuration : undefined
}

/** Records that this text was found valid. */
export function noteConfiguration(path: string, text: string, config: Configuration): void {
  const { version, stores, credentials, routes, proxy } = config
  const known: Known = {
    version: VERSION,
    text,
    configuration: { version, stores, credentials, routes, proxy },
  }
  writeCache(nameOf(path), known)
}
