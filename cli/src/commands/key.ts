import { createHash, randomBytes } from 'node:crypto'
import { presets } from '../config/presets.ts'
import { readConfig } from '../config/read.ts'
import { wrongInput } from '../lib/fault.ts'
import { nearest } from '../lib/nearest.ts'
import { print, printable, printJson, say } from '../lib/output.ts'
import { changeKeys, readKeys } from '../setup/key-file.ts'

export interface AddKeyOptions {
  readonly config?: string
  readonly route?: string[]
}

/** Makes a key for a client of the proxy, and prints it this once: only its hash is kept. */
export async function addKey(name: string, options: AddKeyOptions): Promise<void> {
  if (!/^[\w.@ -]{1,64}$/.test(name))
    throw wrongInput('The name of a key holds 1 to 64 letters, digits, blanks and _ . @ -')
  const config = await readConfig(options.config)
  const routes = options.route
  const known = Object.keys(config.routes ?? {})
  for (const route of routes ?? []) {
    if (known.includes(route)) continue
    const meant = nearest(route, known)
    throw wrongInput(
      `There is no route ${JSON.stringify(route)}.`,
      meant === undefined ? `Known are: ${known.join(', ') || 'none'}.` : `Is ${meant} meant?`,
    )
  }
  const kinds = new Set((routes ?? known).map((route) => config.routes?.[route]?.preset))
  const [preset] = kinds.size === 1 ? kinds : []
  const key =
    preset === undefined ? `llm-refresh-${randomBytes(32).toString('base64url')}` : presets[preset].newKey()
  const hash = createHash('sha256').update(key, 'latin1').digest('hex')
  await changeKeys((keys) => {
    if (keys.some((each) => each.name === name))
      throw wrongInput(
        `There is a key ${JSON.stringify(name)} already.`,
        'Remove it first, or take another name.',
      )
    return [...keys, { name, hash, ...(routes && { routes }), createdAt: Date.now() }]
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
