import { inspect } from 'node:util'
import { RefreshError } from '../../src/index.ts'

/** What leads to a message, in plain words, and what brings it about. */
export interface Situation {
  readonly when: string
  readonly bring: () => unknown
}

/** What a situation has led to. */
export interface Produced {
  readonly when: string
  readonly code: string
  readonly message: string
}

/** Situations by their names. */
export function situations(given: Readonly<Record<string, Situation['bring']>>): readonly Situation[] {
  return Object.entries(given).map(([when, bring]) => ({ when, bring }))
}

/** Ends what a situation began, where nothing failed. */
export const STOPPED = new RefreshError('refresh_failed', 'stopped')

/** Brings a situation about. undefined: nothing failed. */
export async function produce({ when, bring }: Situation): Promise<Produced | undefined> {
  try {
    await bring()
    return undefined
  } catch (error) {
    if (error === STOPPED) return undefined
    if (error instanceof RefreshError) return { when, code: error.code, message: error.message }
    throw new Error(`${when}: it failed with ${inspect(error)}`, { cause: error })
  }
}
