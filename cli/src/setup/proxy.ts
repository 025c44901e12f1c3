import type { ProxyAuditEntry, ProxyKey, ProxyPreset, ProxyRoute, Proxy } from 'llm-refresh/proxy'
import { presets } from '../config/presets.ts'
import type { Config } from '../config/read.ts'
import type { RouteDefinition } from '../config/schema.ts'
import { wrongInput } from '../lib/fault.ts'
import { nearest } from '../lib/nearest.ts'
import {
  checkCommand,
  definitionOf,
  flushAll,
  loginCommand,
  openCredential,
  type OpenCredential,
} from './credential.ts'
import { hasProxy } from './http.ts'
import { isPersons } from './source.ts'
import { openStore, type OpenStore } from './store.ts'

/** A proxy that does not listen yet, and its credentials. */
export interface OpenProxy {
  readonly proxy: Proxy
  readonly credentials: readonly OpenCredential[]
  /** Cuts the open connections, waits until all tokens are stored, and closes the stores. */
  readonly close: () => Promise<void>
}

export interface OpenProxyOptions {
  readonly routes: readonly string[]
  readonly keys: readonly ProxyKey[]
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly allowRemote?: boolean | undefined
  readonly allowHosts?: readonly string[] | undefined
  readonly audit?: ((entry: ProxyAuditEntry) => void) | undefined
}

/**
 * Chooses the routes for a command: the named ones, or all.
 *
 * @throws Fault
 */
export function chooseRoutes({ routes = {}, path }: Config, named: readonly string[]): string[] {
  const known = Object.keys(routes)
  for (const name of named) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    const mending = meant === undefined ? `It has: ${known.join(', ') || 'none'}.` : `Is ${meant} meant?`
    throw wrongInput(`${path} has no route ${JSON.stringify(name)}.`, mending)
  }
  if (known.length === 0) throw wrongInput(`${path} has no routes.`, 'Add one under "routes".')
  return named.length === 0 ? known : [...new Set(named)]
}

export function routeOf({ routes, path }: Config, name: string): RouteDefinition {
  const route = routes?.[name]
  if (route === undefined) throw wrongInput(`${path} has no route ${JSON.stringify(name)}.`)
  return route
}

/** The preset of a route, by the proxy's name for it. */
export function presetOf({ preset }: RouteDefinition): ProxyPreset | undefined {
  return preset === 'openai-compatible' ? 'openai' : preset
}

/** Opens the credentials of some routes, each only once, and makes a proxy for them. */
export async function openProxy(config: Config, options: OpenProxyOptions): Promise<OpenProxy> {
  const { routes: names, ...listening } = options
  // Refuse a wrong proxy variable here, because undici would fail on it later.
  hasProxy()
  const stores = new Map<string, OpenStore>()
  const credentials = new Map<string, OpenCredential>()
  const closeAll = async (): Promise<void> => {
    await flushAll()
    await Promise.allSettled([...credentials.values()].map((each) => each.close()))
    await Promise.allSettled([...stores.values()].map((each) => each.close()))
  }
  try {
    const routes: Record<string, ProxyRoute> = {}
    for (const name of names) {
      const route = routeOf(config, name)
      const storeName = definitionOf(config, route.credential).store ?? 'default'
      const store = stores.get(storeName) ?? (await openStore(config, storeName))
      stores.set(storeName, store)
      const opened =
        credentials.get(route.credential) ?? (await openCredential(config, route.credential, store))
      credentials.set(route.credential, opened)
      routes[name] = proxyRoute(route, opened)
    }
    const { createProxy } = await import('llm-refresh/proxy')
    const plainHttpOrigins = names
      .map((name) => routeOf(config, name))
      .flatMap(({ plainHttp, to }) => (plainHttp === true && to !== undefined ? new URL(to).origin : []))
      .filter((origin) => origin.startsWith('http:'))
    const proxy = createProxy({ ...listening, routes, plainHttpOrigins })
    const close = async (): Promise<void> => {
      await proxy.close()
      await closeAll()
    }
    return { proxy, credentials: [...credentials.values()], close }
  } catch (error) {
    await closeAll()
    throw error
  }
}

function proxyRoute(route: RouteDefinition, { credential, definition, name }: OpenCredential): ProxyRoute {
  const preset = route.preset === undefined ? undefined : presets[route.preset]
  return {
    to: route.to ?? preset?.to ?? '',
    apply: route.apply ?? preset?.apply,
    credential,
    preset: presetOf(route),
    remedy: `Run: ${isPersons(definition) ? loginCommand(name) : checkCommand(name)}`,
  }
}
