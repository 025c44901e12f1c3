import assert from 'node:assert/strict'
import type fc from 'fast-check'
import { RefreshError } from '../../src/index.ts'

/** Something of ours that reads what somebody else wrote. */
export interface Reader {
  readonly name: string
  readonly inputs: fc.Arbitrary<unknown>
  /** Throws where a promise does not hold. */
  readonly read: (input: never) => unknown
  /** Out of a thousand inputs of a trial. */
  readonly share: number
  /** The largest inputs that get to it, and such of a part of the size. */
  readonly large: (part: number) => readonly (readonly [string, unknown])[]
}

export const NOW = Date.UTC(2026, 10, 1)
export const MIB = 1_048_576
/** bytes of a response: longer ones are cut off. */
export const LONGEST = 262_144

/** It gives something bounded, or fails with an error of ours that can be shown. */
export function check(read: () => unknown): void {
  try {
    checkBound(read())
  } catch (error) {
    checkError(error)
  }
}

export function checkBound(given: unknown): void {
  assert((JSON.stringify(given ?? null)?.length ?? 0) <= 3 * MIB, 'it is not bounded')
}

export function checkError(error: unknown): void {
  if (!(error instanceof RefreshError)) throw error
  checkMessage(error.message)
}

/** A person can be shown it, as one line. */
export function checkMessage(message: string): void {
  assert(message.length < 1_500, 'the message is not bounded')
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(message, /[\u0000-\u001F\u202E]/)
}

export const sized =
  (make: (length: number) => readonly (readonly [string, unknown])[], most: number) =>
  (part: number): readonly (readonly [string, unknown])[] =>
    make(Math.floor(most * part))
