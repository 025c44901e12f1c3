import type { SourceContext } from '../../credential/source.ts'
import { type Clock, platformClock } from '../../lib/clock.ts'
import { above0, aClock, aFunction, anything, checkedOptions, optionError } from '../../lib/options.ts'
import type { ParseOutput } from '../shared/token-text.ts'

/** How a command is run. */
export interface CommandOptions {
  /** The executable: a path, or a name that is looked up on the PATH. There is no shell: no pipes, no `~`, no variables. */
  file: string
  /**
   * Its arguments. Other users of the machine can read them while it runs: secrets are better off in `env`. A function is
   * asked at every run; it is told of the token that is to be replaced, and of the challenge of the rejection.
   * @default []
   */
  args?: readonly string[] | ((context: SourceContext) => readonly string[]) | undefined
  /** Added to the environment of this process; undefined takes a variable away. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** The folder it runs in. Default: this process's. */
  cwd?: string | undefined
  /**
   * How long it may run, in ms. Then it and whatever it started are ended.
   * @default 30_000
   */
  timeout?: number | undefined
  /**
   * The most it may print, in bytes.
   * @default 1_048_576
   */
  maxOutput?: number | undefined
  /** Reads the token out of what it prints, where that is neither a bare token nor one of the known kinds of JSON. */
  parse?: ParseOutput | undefined
  /**
   * Hears what it writes to stderr, piece by piece. That may hold a secret. Default: it goes to this process's stderr, so
   * that a person sees what they are asked to do.
   */
  onStderr?: ((text: string) => void) | undefined
  /** Time, for tests to control. Default: the platform's. */
  clock?: Clock | undefined
}

/** The options with their defaults, checked. */
export interface CommandSettings {
  readonly file: string
  readonly argsFor: (context: SourceContext) => readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string | undefined
  readonly timeout: number
  readonly maxOutput: number
  readonly parse: ParseOutput | undefined
  readonly onStderr: ((text: string) => void) | undefined
  readonly clock: Clock
}

/** @throws RefreshError `invalid_option`, which shows no argument and no variable */
export function readCommandOptions(options: CommandOptions): CommandSettings {
  const { args, env, ...read } = checkedOptions(options, {
    file: (given: unknown) =>
      isText(given) && given !== '' ? undefined : 'must be the path or the name of an executable',
    args: [anything, []],
    env: (given: unknown) =>
      given === undefined || isEnvironment(given) ? undefined : 'must hold strings, by name',
    cwd: (given: unknown) =>
      given === undefined || (isText(given) && given !== '') ? undefined : 'must be the path of a folder',
    timeout: [above0(), 30_000],
    maxOutput: [above0('bytes'), 1_048_576],
    parse: aFunction,
    onStderr: aFunction,
    clock: [aClock, platformClock],
  })
  return {
    ...read,
    argsFor: typeof args === 'function' ? (context) => checkedArgs(args(context)) : always(checkedArgs(args)),
    env: { ...env },
  }
}

function checkedArgs(args: unknown): readonly string[] {
  if (Array.isArray(args) && args.every(isText)) return [...args]
  // What the platform would throw shows them.
  throw optionError('args', 'must be an array of strings, without null characters')
}

function always<T>(value: T): () => T {
  return () => value
}

function isEnvironment(given: unknown): boolean {
  return typeof given === 'object' && given !== null && Object.entries(given).every(isVariable)
}

function isVariable([name, value]: [string, unknown]): boolean {
  return isText(name) && name !== '' && !name.includes('=') && (value === undefined || isText(value))
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}
