import { statSync } from 'node:fs'
import { join } from 'node:path'
import { areEqual, entriesOf, type Marks, marksOf } from './marks.ts'
import { environment, writeMemo } from './memo.ts'
import { highestRecord, tokenIn } from './record.ts'

declare const VERSION: string

/** The resolution, in ms, of the times that a file system records for changes. */
const FINENESS = 20

/** A printed token, and its origin. */
export interface Printed {
  readonly config: string
  /** The marks of the configuration before it was read. */
  readonly seen: Marks | undefined
  /** The credential's name in the command line; empty if none was given. */
  readonly name: string
  /** The account's folder in a file store. */
  readonly folder: string
  readonly accessToken: string
  /** epoch ms */
  readonly expiresAt: number | undefined
}

/** The marks of a configuration; undefined if the file does not exist. */
export function look(config: string): Marks | undefined {
  try {
    return marksOf([config])
  } catch {
    return undefined
  }
}

/** Writes a memo for `recall`. Writes none if the memo would not be true, or if the write fails. */
export function remember({ config, seen, name, folder, accessToken, expiresAt }: Printed): void {
  if (process.getuid === undefined || seen === undefined) return
  try {
    // Write none if the configuration may have changed since it was read, or if another file has replaced it.
    if (statSync(config).ctimeMs > performance.timeOrigin - FINENESS) return
    if (!areEqual(seen, marksOf([config]))) return
    const entries = entriesOf(folder)
    const record = highestRecord(folder)
    if (record === undefined || tokenIn(join(folder, record)) !== accessToken) return
    const marks = marksOf([config, join(folder, record)])
    writeMemo({
      version: VERSION,
      config,
      name,
      at: Date.now(),
      expiresAt,
      folder,
      entries,
      record,
      environment: environment(),
      marks,
    })
  } catch {
    // Ignore the error: the next command only takes longer.
  }
}
