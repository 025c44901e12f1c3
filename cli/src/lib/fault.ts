import type { RefreshError } from 'llm-refresh'

/** Exit codes of every command but `run`. The help of `llm-refresh` prints them. */
export const EXIT = {
  done: 0,
  failed: 1,
  wrongInput: 2,
  loginNeeded: 3,
  unreachable: 4,
} as const

/** An error that ends a command: a sentence about the problem, one about the remedy, and the exit code. It contains no secret. */
export class Fault extends Error {
  readonly exitCode: number
  /** The remedy; undefined if the message has it, or if only time helps. */
  readonly fix: string | undefined

  constructor(exitCode: number, message: string, fix?: string) {
    super(message)
    this.name = 'Fault'
    this.exitCode = exitCode
    this.fix = fix
  }
}

/** Wrong input: an option, an argument, or the configuration. */
export function wrongInput(message: string, fix?: string): Fault {
  return new Fault(EXIT.wrongInput, message, fix)
}

/**
 * True for an error of the library. It checks the name, because another copy of the library may have made the error, and because the
 * library may not be loaded.
 */
export function isRefreshError(error: unknown): error is RefreshError {
  return error instanceof Error && error.name === 'RefreshError' && 'code' in error
}

/**
 * A message for an error that may be shown. The message of an error that is not ours may contain a secret, so it shows only the kind of the
 * error.
 */
export function messageOf(error: unknown): string {
  if (error instanceof Fault || isRefreshError(error)) return error.message
  const code: unknown = Reflect.get(Object(error), 'code')
  const known = typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code) ? ` (${code})` : ''
  return `It failed with ${error instanceof Error ? error.name : 'a value that is no error'}${known}.`
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  'source_unreachable',
  'source_unavailable',
  'source_rate_limited',
  'refresh_timeout',
  'store_failed',
])

/** The exit code for an error of the library. */
export function exitCodeOf(error: RefreshError, isPersons: boolean): number {
  const { code, cause } = error
  if (code === 'refresh_suspended' && isRefreshError(cause)) return exitCodeOf(cause, isPersons)
  if (UNREACHABLE.has(code)) return EXIT.unreachable
  if (code === 'invalid_option') return EXIT.wrongInput
  if (code === 'reauthentication_required') return EXIT.loginNeeded
  if (code === 'credential_missing') return isPersons ? EXIT.loginNeeded : EXIT.wrongInput
  return EXIT.failed
}
