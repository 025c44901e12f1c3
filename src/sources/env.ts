import type { Source } from '../credential/source.ts'
import { RefreshError } from '../errors.ts'
import { anything, checkedOptions, optionError } from '../lib/options.ts'
import { readBare } from './shared/token-text.ts'

/** How a variable is read. */
export interface EnvOptions {
  /** Where the variables are, on a platform that has them elsewhere. Default: `process.env`. */
  env?: Readonly<Record<string, unknown>> | undefined
}

/**
 * A static key in an environment variable, so that code need not branch. It is read anew whenever a token is needed; while it
 * is the one that was rejected, the refresh fails with `unchanged`.
 *
 * `issue` throws a RefreshError: `credential_missing` (it is not set, or empty), `source_invalid` (it is no token).
 *
 * @param name of the variable, not its value
 * @throws RefreshError `invalid_option`
 * @example
 * const credential = createCredential({ source: env('OPENAI_API_KEY') })
 */
export function env(name: string, options: EnvOptions = {}): Source {
  checkedOptions(options, { env: anything })
  // It might be the key itself, by mistake: then it must not be shown.
  if (typeof name !== 'string' || !/^[A-Z_]\w*$/i.test(name)) {
    throw optionError('name', 'must be the name of an environment variable, not its value')
  }
  const of = /[a-z]/.test(name)
    ? "The environment variable given to 'env'"
    : `The environment variable ${name}`
  return {
    spendsRefreshToken: false,
    isLocal: true,
    isStatic: true,
    issue: async () => {
      const value = (options.env ?? platformEnv())[name]
      if (typeof value !== 'string' || value.trim() === '') {
        throw new RefreshError(
          'credential_missing',
          `${of} is ${value === undefined ? 'not set' : 'empty'}: set it to the key where this program is started.`,
        )
      }
      return readBare(value, { of, since: Date.now() })
    },
  }
}

/** Not every platform has it. */
function platformEnv(): Readonly<Record<string, unknown>> {
  return globalThis.process?.env ?? {}
}
