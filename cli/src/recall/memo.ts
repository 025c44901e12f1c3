import { readCache, writeCache } from '../lib/cache.ts'
import type { Marks } from './marks.ts'

/** What a command that printed a token records for the next one. It contains no secret: the token stays in its record. */
export interface Memo {
  /** The version of the command that wrote this. */
  readonly version: string
  /** The path of the configuration. */
  readonly config: string
  /** The credential's name in the command line; empty if none was given. */
  readonly name: string
  /** When this was written, in epoch ms. */
  readonly at: number
  /** When the token expires, in epoch ms; undefined if that is not known. */
  readonly expiresAt?: number | undefined
  /** The account's folder in the store. */
  readonly folder: string
  /** The file of the token's record. */
  readonly record: string
  /** The entries of that folder. */
  readonly entries: string
  /** The variables that decide where the store is. */
  readonly environment: string
  readonly marks: Marks
}

/** The variables that decide where a store is, as one text. */
export function environment(): string {
  const { HOME = '', XDG_STATE_HOME = '' } = process.env
  return JSON.stringify([HOME, XDG_STATE_HOME])
}

const nameOf = (config: string, name: string): string => `token ${name} ${config}`

/** Reads the memo for a credential; undefined if this version has written none. */
export function readMemo(config: string, name: string, version: string): Memo | undefined {
  const memo = readCache<Memo>(nameOf(config, name))
  const isOurs = memo?.version === version && memo.config === config && memo.name === name
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the same version wrote all of it
  return isOurs ? (memo as Memo) : undefined
}

export function writeMemo(memo: Memo): void {
  writeCache(nameOf(memo.config, memo.name), memo)
}
