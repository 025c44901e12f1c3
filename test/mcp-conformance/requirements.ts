import { CHAPTER, REGISTRATION, SECURITY } from './requirements/chapter.ts'
import { RFC_8707, RFC_9207, RFC_9728 } from './requirements/rfcs.ts'

/** The proofs that the library meets a requirement. */
export interface Shown {
  /** Ids of test/promises.ts. */
  readonly promises: readonly string[]
  /** The names of tests, exactly as in their files. */
  readonly tests?: readonly string[]
  /** Scenarios of `@modelcontextprotocol/conformance`. */
  readonly scenarios?: readonly string[]
  /** What else a reader must know. */
  readonly note?: string
}

/** One MUST, or MUST NOT, on a client. */
export interface Requirement {
  /** The requirement in our words. */
  readonly must: string
  readonly section: string
  /** How the library meets the requirement. A text says why the requirement does not apply. */
  readonly by: Shown | string
}

/** The MUSTs of one text. */
export interface Text {
  readonly title: string
  readonly url: string
  readonly requirements: readonly Requirement[]
}

/** Every text whose MUSTs concern a client. */
export const TEXTS: readonly Text[] = [CHAPTER, REGISTRATION, SECURITY, RFC_8707, RFC_9207, RFC_9728]
