import { readConfig } from '../config/read.ts'
import { wrongInput } from '../lib/fault.ts'
import { print, printable, printJson, say } from '../lib/output.ts'
import { changeKeys, readKeys } from '../setup/key-file.ts'
import { chooseRoutes, presetOf, routeOf } from '../setup/proxy.ts'

export interface AddKeyOptions {
  readonly config?: string
  readonly route?: string[]
}

/** Makes a key for a client of the proxy, and prints it. It is printed only once, because only its hash is stored. */
export async function addKey(name: string, options: AddKeyOptions): Promise<void> {
  if (!/^[\w.@ -]{1,64}$/.test(name))
    throw wrongInput('The name of a key holds 1 to 64 letters, digits, blanks and _ . @ -')
  const config = await readConfig(options.config)
  const routes = options.route
  const known = Object.keys(config.routes ?? {})
  if (routes !== undefined) chooseRoutes(config, routes)
  // If all its routes have the same preset, give the key the form that the clients of this preset check.
  const kinds = new Set((routes ?? known).map((route) => presetOf(routeOf(config, route))))
  const [preset] = kinds.size === 1 ? kinds : []
  const { createProxyKey } = await import('llm-refresh/proxy')
  const { key, entry } = createProxyKey({ name, preset })
  await changeKeys((keys) => {
    if (keys.some((each) => each.name === name))
      throw wrongInput(
        `There is a key ${JSON.stringify(name)} already.`,
        'Remove it first, or take another name.',
      )
    return [...keys, { name, hash: entry.hash, ...(routes && { routes }), createdAt: Date.now() }]
  })
  say('This key is shown once. It opens the local proxy, and nothing else:')
  await print(key)
}

export async function listKeys({ json }: { readonly json?: boolean }): Promise<void> {
  const keys = await readKeys()
  if (json === true)
    return printJson(keys.map(({ name, routes, createdAt }) => ({ name, routes, createdAt })))
  for (const { name, routes, createdAt } of keys) {
    await print(
      `${printable(name)}: ${routes?.join(', ') ?? 'every route'} · made ${new Date(createdAt).toISOString()}`,
    )
  }
  if (keys.length === 0) say('There are no keys. Make one: llm-refresh key add NAME')
}

export async function removeKey(name: string): Promise<void> {
  await changeKeys((keys) => {
    const kept = keys.filter((key) => key.name !== name)
    if (kept.length === keys.length)
      throw wrongInput(
        `There is no key ${JSON.stringify(name)}.`,
        'llm-refresh key list tells which there are.',
      )
    return kept
  })
  say(`The key ${printable(name)} opens nothing any more.`)
}
