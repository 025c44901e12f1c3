import type { Configuration } from './schema.ts'

/** A configuration that was read, and where it is. */
export interface Config extends Configuration {
  readonly path: string
  /** Relative paths begin here. */
  readonly folder: string
}
