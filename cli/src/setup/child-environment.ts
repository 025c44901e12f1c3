import { missingVersion, presets } from '../config/presets.ts'
import type { Config } from '../config/read.ts'
import { wrongInput } from '../lib/fault.ts'
import { withoutProxy } from './http.ts'
import { routeOf } from './proxy.ts'

/** A route, as a child process reaches it. */
export interface ReachableRoute {
  readonly name: string
  /** The route's URL, without a slash at its end. */
  readonly base: string
  readonly key: string
}

type Environment = Readonly<Record<string, string | undefined>>

const LOOPBACK = ['127.0.0.1', 'localhost']

/**
 * The environment for a child process. Its tools reach the routes with their keys. No request to the local proxy goes through another
 * proxy. The variables that contain this configuration's secrets are removed.
 *
 * @throws Fault if two routes need the same variable
 */
export function childEnvironment(
  config: Config,
  routes: readonly ReachableRoute[],
  own: Environment,
): Environment {
  const environment: Record<string, string | undefined> = { ...own }
  for (const name of secretVariables(config)) environment[name] = undefined
  const setBy = new Map<string, string>()
  for (const { name, base, key } of routes) {
    const { preset, to } = routeOf(config, name)
    const known = preset === undefined ? undefined : presets[preset]
    const generic = name.toUpperCase().replaceAll(/[^A-Z\d]/g, '_')
    const variables = {
      ...known?.variables(base + missingVersion(known, to ?? known.to ?? base), key),
      [`LLM_REFRESH_${generic}_URL`]: base,
      [`LLM_REFRESH_${generic}_KEY`]: key,
    }
    for (const [variable, value] of Object.entries(variables)) {
      const other = setBy.get(variable)
      if (other !== undefined) {
        throw wrongInput(
          `The routes ${other} and ${name} both set ${variable}.`,
          `Name the one that is meant: llm-refresh run ${name} -- …`,
        )
      }
      setBy.set(variable, name)
      environment[variable] = value
    }
  }
  for (const variable of ['NO_PROXY', 'no_proxy']) {
    environment[variable] = withoutProxy(LOOPBACK, own)
  }
  return environment
}

/** The variables of all secrets: of every `{ "env": … }` in the configuration, and of every credential with the source `env`. */
function secretVariables(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const nested = Object.values(value).flatMap(secretVariables)
  const entries = Object.entries(value)
  const [first] = entries
  if (entries.length === 1 && first?.[0] === 'env' && typeof first[1] === 'string') return [first[1]]
  const isEnvSource = Reflect.get(value, 'source') === 'env'
  const name: unknown = Reflect.get(value, 'name')
  return isEnvSource && typeof name === 'string' ? [...nested, name] : nested
}
