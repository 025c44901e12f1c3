import { isAbsolute, join, resolve } from 'node:path'
import { wrongInput } from '../lib/fault.ts'
import { homeFor } from '../lib/home.ts'

/** The path of the configuration, and what named it. */
export interface Location {
  readonly path: string
  readonly from: '--config' | 'LLM_REFRESH_CONFIG' | 'default'
}

/**
 * Finds the configuration file: `--config`, then `LLM_REFRESH_CONFIG`, then the platform's folder for configurations. It never looks in the
 * working folder, because a checkout must not decide where tokens go.
 *
 * @throws Fault
 */
export function locate(option: string | undefined): Location {
  if (option !== undefined) return { path: resolve(option), from: '--config' }
  const variable = process.env['LLM_REFRESH_CONFIG']
  if (variable === undefined || variable === '')
    return { path: join(folder(), 'config.jsonc'), from: 'default' }
  if (!isAbsolute(variable)) {
    throw wrongInput(
      'LLM_REFRESH_CONFIG must be an absolute path.',
      'A relative one would let the working folder choose the configuration.',
    )
  }
  return { path: variable, from: 'LLM_REFRESH_CONFIG' }
}

function folder(): string {
  const { APPDATA, XDG_CONFIG_HOME } = process.env
  const absolute = (path: string | undefined): string | undefined =>
    path !== undefined && isAbsolute(path) ? path : undefined
  const home = (): string => homeFor('a configuration', 'Name it with --config')
  switch (process.platform) {
    case 'darwin':
      return join(home(), 'Library', 'Application Support', 'llm-refresh')
    case 'win32':
      return join(absolute(APPDATA) ?? join(home(), 'AppData', 'Roaming'), 'llm-refresh')
    default:
      return join(absolute(XDG_CONFIG_HOME) ?? join(home(), '.config'), 'llm-refresh')
  }
}
