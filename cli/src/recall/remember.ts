import { statSync } from 'node:fs'
import { join } from 'node:path'
import { areEqual, entriesOf, type Marks, marksOf } from './marks.ts'
import { environment, writeMemo } from './memo.ts'
import { highestRecord, tokenIn } from './record.ts'

declare const VERSION: string

/** ms: a file system tells the times of changes as finely. */
const FINENESS = 20

/** A token that was printed, and where it came from. */
export interface Printed {
  readonly config: string
  /** What the configuration looked like before it was read. */
  readonly seen: Marks | undefined
  /** As the credential was named; '': it is the only one. */
  readonly name: string
  /** The account's folder in a file store. */
  readonly folder: string
  readonly accessToken: string
  /** epoch ms */
  readonly expiresAt: number | undefined
}

/** What a configuration looks like. undefined: it is not there. */
export function look(config: string): Marks | undefined {
  try {
    return marksOf([config])
  } catch {
    return undefined
  }
}

/** Leaves a memo for `recall`. Where it cannot be written, or would not be true, there is none. */
export function remember({ config, seen, name, folder, accessToken, expiresAt }: Printed): void {
  if (process.getuid === undefined || seen === undefined) return
  try {
    // It may have changed since it was read, or another one may have taken its place.
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
    // The next command takes longer.
  }
}
