import { statSync } from 'node:fs'
import { join } from 'node:path'
import { marksOf } from './marks.ts'
import { environment, writeMemo } from './memo.ts'
import { highestRecord, tokenIn } from './record.ts'

declare const VERSION: string

/** ms: a file system tells the times of changes as finely. */
const FINENESS = 20

/** A token that was printed, and where it came from. */
export interface Printed {
  readonly config: string
  /** As the credential was named; '': it is the only one. */
  readonly name: string
  /** The account's folder in a file store. */
  readonly folder: string
  readonly accessToken: string
  /** epoch ms */
  readonly expiresAt: number | undefined
}

/** Leaves a memo for `recall`. Where it cannot be written, or would not be true, there is none. */
export function remember({ config, name, folder, accessToken, expiresAt }: Printed): void {
  if (process.getuid === undefined) return
  try {
    // It may have changed since it was read.
    if (statSync(config).ctimeMs > performance.timeOrigin - FINENESS) return
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
      record,
      environment: environment(),
      marks,
    })
  } catch {
    // The next command takes longer.
  }
}
