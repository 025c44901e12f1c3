import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { describe, optionError } from '../lib/options.ts'
import type { ProxyKey, ProxyPreset } from './options.ts'

/** The keys of a running proxy. */
export interface ProxyKeys {
  readonly names: readonly string[]
  /**
   * Replaces all keys, from the next request on.
   * @throws RefreshError `invalid_option`. The old keys then stay valid
   */
  replace(keys: readonly ProxyKey[]): void
}

/** A new placeholder key. */
export interface CreatedProxyKey {
  /** The key itself, for the client. Nothing else keeps it. */
  readonly key: string
  /** The entry for the proxy's `keys`. */
  readonly entry: ProxyKey
}

/** The beginning of each vendor's keys, which some clients check. */
const SHAPES: Readonly<Record<ProxyPreset, string>> = {
  anthropic: 'sk-ant-api03-',
  openai: 'sk-proj-',
  google: 'AIza',
  azure: '',
  mcp: '',
}

/**
 * Makes a placeholder key of 256 random bits. It looks like one of the vendor's keys, so that the vendor's clients accept it.
 *
 * @throws RefreshError `invalid_option`
 * @example
 * const { key, entry } = createProxyKey({ name: 'laptop', preset: 'openai' })
 */
export function createProxyKey(options: {
  name: string
  routes?: readonly string[] | undefined
  preset?: ProxyPreset | undefined
}): CreatedProxyKey {
  const { name, routes, preset } = options
  const shape = preset === undefined ? 'llm-refresh-' : SHAPES[preset]
  if (shape === undefined) throw optionError('preset', `must be one of ${Object.keys(SHAPES).join(', ')}`)
  const key = shape + randomBytes(32).toString('base64url')
  const entry = readKey({ name, hash: digest(key).toString('hex'), ...(routes && { routes }) })
  return { key, entry }
}

interface Known extends ProxyKey {
  readonly bytes: Buffer
}

/** Looks keys up by their hash, so that the time of a lookup reveals nothing about a key. */
export class KeyRing implements ProxyKeys {
  #known: ReadonlyMap<string, Known> = new Map()
  readonly #routes: ReadonlySet<string>

  /** @param routes the names of the proxy's routes */
  constructor(keys: readonly ProxyKey[], routes: ReadonlySet<string>) {
    this.#routes = routes
    this.replace(keys)
  }

  get names(): readonly string[] {
    return [...this.#known.values()].map(({ name }) => name)
  }

  replace(keys: readonly ProxyKey[]): void {
    if (!Array.isArray(keys)) throw optionError('keys', `must be a list, not ${describe(keys)}`)
    const known = new Map<string, Known>()
    const names = new Set<string>()
    for (const key of keys.map((given: ProxyKey) => readKey(given))) {
      if (names.has(key.name)) throw optionError('keys', `must not hold two keys of the name '${key.name}'`)
      const missing = key.routes?.find((route) => !this.#routes.has(route))
      if (missing !== undefined)
        throw optionError(
          'keys',
          `gives the key '${key.name}' a route '${missing}', which does not exist: name one of 'routes'`,
        )
      names.add(key.name)
      known.set(key.hash, { ...key, bytes: Buffer.from(key.hash, 'hex') })
    }
    this.#known = known
  }

  /** True if this entry, which an earlier lookup found, is still one of the keys. */
  holds(entry: ProxyKey): boolean {
    return this.#known.get(entry.hash) === entry
  }

  find(key: string): ProxyKey | undefined {
    const hash = digest(key)
    const found = this.#known.get(hash.toString('hex'))
    return found !== undefined && timingSafeEqual(found.bytes, hash) ? found : undefined
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key, 'latin1').digest()
}

function readKey(given: ProxyKey): ProxyKey {
  if (typeof given !== 'object' || given === null)
    throw optionError('keys', 'must be a list of { name, hash }')
  const { name, hash, routes } = given
  if (typeof name !== 'string' || !/^[\w.@ -]{1,64}$/.test(name))
    throw optionError('keys', 'must have names of 1 to 64 letters, digits, blanks, and -_.@')
  if (typeof hash !== 'string' || !/^[\da-f]{64}$/i.test(hash))
    throw optionError(
      'keys',
      `must give the SHA-256 of the key '${name}' as 64 hex digits: createProxyKey() makes it`,
    )
  if (routes !== undefined && !(Array.isArray(routes) && routes.every((route) => typeof route === 'string')))
    throw optionError('keys', `must give the key '${name}' a list of routes`)
  return { name, hash: hash.toLowerCase(), ...(routes && { routes: [...routes] }) }
}
