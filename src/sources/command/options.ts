import type { SourceContext } from '../../credential/source.ts'
import { type Clock, platformClock } from '../../lib/clock.ts'
import {
  above0,
  aClock,
  aFunction,
  anything,
  checkedOptions,
  mustBe,
  optionError,
} from '../../lib/options.ts'
import type { ParseOutput } from '../shared/token-text.ts'

/** Options of `command()`. */
export interface CommandOptions {
  /** The executable: a path, or a name on the PATH. No shell reads it: pipes, `~` and variables have no effect. */
  file: string
  /**
   * The command's arguments. Other users of the machine can read them while the command runs, so pass secrets in `env`. The source calls a
   * function at each run, with the token to replace and the challenge of the rejection.
   * @default []
   */
  args?: readonly string[] | ((context: SourceContext) => readonly string[]) | undefined
  /**
   * Names the identity whose tokens the program prints. The source uses a stored token if the program's name and this identity are the same.
   * The store holds only a salted hash of it.
   *
   * @default the arguments, if they are a list; the arguments of a function change, so they do not count
   */
  identity?: string | undefined
  /** Variables that are added to this process's environment. The value undefined removes a variable. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** The folder that the command runs in. Default: this process's. */
  cwd?: string | undefined
  /**
   * How long the command may run, in ms. After that the source ends it, and the processes that it started.
   * @default 30_000
   */
  timeout?: number | undefined
  /**
   * How much the command may print, in bytes.
   * @default 1_048_576
   */
  maxOutput?: number | undefined
  /** Reads the token from the command's output, if that output is neither a bare token nor a known kind of JSON. */
  parse?: ParseOutput | undefined
  /**
   * Called with each piece that the command writes to stderr, which may hold a secret. Default: the command writes to this process's
   * stderr, so that a person sees its prompts.
   */
  onStderr?: ((text: string) => void) | undefined
  /** A clock, for tests. Default: the platform's. */
  clock?: Clock | undefined
}

/** The checked options, with their defaults. */
export interface CommandSettings {
  readonly file: string
  readonly identity: string | undefined
  readonly argsFor: (context: SourceContext) => readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string | undefined
  readonly timeout: number
  readonly maxOutput: number
  readonly parse: ParseOutput | undefined
  readonly onStderr: ((text: string) => void) | undefined
  readonly clock: Clock
}

/** @throws RefreshError `invalid_option`. The message shows no argument and no variable. */
export function readCommandOptions(options: CommandOptions): CommandSettings {
  const { args, identity, env, ...read } = checkedOptions(options, {
    file: (given: unknown) =>
      isText(given) && given !== '' ? undefined : 'must be the path or the name of an executable',
    args: [anything, []],
    identity: mustBe('a text', (given) => typeof given === 'string'),
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
    identity: identity ?? (typeof args === 'function' ? undefined : JSON.stringify(args)),
    env: { ...env },
  }
}

function checkedArgs(args: unknown): readonly string[] {
  if (Array.isArray(args) && args.every(isText)) return [...args]
  // We check them here, because the platform's own error would show the arguments.
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
