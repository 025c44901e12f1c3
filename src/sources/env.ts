import type { Source } from '../credential/source.ts'
import { RefreshError } from '../errors.ts'
import { anything, checkedOptions, optionError } from '../lib/options.ts'
import { readBare } from './shared/token-text.ts'

/** Options of {@link env}. */
export interface EnvOptions {
  /** The variables, on a platform that does not have them in `process.env`. Default: `process.env`. */
  env?: Readonly<Record<string, unknown>> | undefined
}

/**
 * A static key in an environment variable, so that code need not branch. The source reads the variable each time that a token is
 * needed. While the variable still holds the rejected key, the refresh fails with `unchanged`.
 *
 * `issue` throws a RefreshError: `credential_missing` (the variable is not set, or empty), `source_invalid` (its value is no token).
 *
 * @param name the name of the variable, not its value
 * @throws RefreshError `invalid_option`
 * @example
 * const credential = createCredential({ source: env('OPENAI_API_KEY') })
 */
export function env(name: string, options: EnvOptions = {}): Source {
  checkedOptions(options, { env: anything })
  // The caller may have passed the key itself by mistake, so the message does not show the text.
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

/** The variables of the process. Not every platform has a `process`. */
function platformEnv(): Readonly<Record<string, unknown>> {
  return globalThis.process?.env ?? {}
}
