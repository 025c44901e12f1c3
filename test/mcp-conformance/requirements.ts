import { CHAPTER, REGISTRATION, SECURITY } from './requirements/chapter.ts'
import { RFC_8707, RFC_9207, RFC_9728 } from './requirements/rfcs.ts'

/** What shows that a requirement is met. */
export interface Shown {
  /** Ids of test/promises.ts. */
  readonly promises: readonly string[]
  /** Names of tests, as they stand in their files. */
  readonly tests?: readonly string[]
  /** Scenarios of `@modelcontextprotocol/conformance`. */
  readonly scenarios?: readonly string[]
  /** What a reader has to know besides. */
  readonly note?: string
}

/** One MUST, or MUST NOT, on a client. */
export interface Requirement {
  /** In our words. */
  readonly must: string
  readonly section: string
  /** How it is met; a text says why it does not apply. */
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
