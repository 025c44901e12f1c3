import { readCache, writeCache } from '../lib/cache.ts'
import type { Marks } from './marks.ts'

/** What a command that printed a token leaves for the next one. It holds no secret: the token stays in its record. */
export interface Memo {
  /** Of the command that wrote it. */
  readonly version: string
  /** The configuration. */
  readonly config: string
  /** The credential, as it was named; '': it is the only one. */
  readonly name: string
  /** epoch ms: when it was written */
  readonly at: number
  /** epoch ms; undefined: it is not known */
  readonly expiresAt?: number | undefined
  /** The account's folder in the store. */
  readonly folder: string
  /** The record of the token. */
  readonly record: string
  /** What that folder holds. */
  readonly entries: string
  /** What decided where the store is. */
  readonly environment: string
  readonly marks: Marks
}

/** The environment, as far as it decides where a store is. */
export function environment(): string {
  const { HOME = '', XDG_STATE_HOME = '' } = process.env
  return JSON.stringify([HOME, XDG_STATE_HOME])
}

const nameOf = (config: string, name: string): string => `token ${name} ${config}`

/** undefined: there is none of this version. */
export function readMemo(config: string, name: string, version: string): Memo | undefined {
  const memo = readCache<Memo>(nameOf(config, name))
  const isOurs = memo?.version === version && memo.config === config && memo.name === name
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the same version wrote all of it
  return isOurs ? (memo as Memo) : undefined
}

export function writeMemo(memo: Memo): void {
  writeCache(nameOf(memo.config, memo.name), memo)
}
