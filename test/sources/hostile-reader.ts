import assert from 'node:assert/strict'
import type fc from 'fast-check'
import { RefreshError } from '../../src/index.ts'

/** A function of the library that reads another party's input, and inputs for it. */
export interface Reader {
  readonly name: string
  readonly inputs: fc.Arbitrary<unknown>
  /** Reads an input. Throws if a promise does not hold. */
  readonly read: (input: never) => unknown
  /** The number of its inputs among 1,000 inputs of a trial. */
  readonly share: number
  /** The largest inputs that can reach the function, scaled to a part of their size. */
  readonly large: (part: number) => readonly (readonly [string, unknown])[]
}

export const NOW = Date.UTC(2026, 10, 1)
export const MIB = 1_048_576
/** bytes. Reading a response stops after this size. */
export const LONGEST = 262_144

/** Checks that a function returns a bounded value, or throws a RefreshError with a readable message. */
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

/** Checks that a message is one line, and safe to show. */
export function checkMessage(message: string): void {
  assert(message.length < 1_500, 'the message is not bounded')
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(message, /[\u0000-\u001F\u202E]/)
}

export const sized =
  (make: (length: number) => readonly (readonly [string, unknown])[], most: number) =>
  (part: number): readonly (readonly [string, unknown])[] =>
    make(Math.floor(most * part))
