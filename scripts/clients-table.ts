/**
 * Writes the table of clients into docs/clients.md, between `<!-- clients -->` and `<!-- /clients -->`.
 *
 *     tsx scripts/clients-table.ts            # --check fails if the table is out of date
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'

const root = new URL('..', import.meta.url)
const { values, positionals } = parseArgs({
  options: { check: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const [page = fileURLToPath(new URL('docs/clients.md', root))] = positionals

const MARKED = /(<!-- clients -->\n)[^]*?(<!-- \/clients -->)/

const Table = z.object({
  rows: z.array(
    z.object({
      name: z.string(),
      package: z.string().optional(),
      installed: z.array(z.string()).optional(),
      option: z.string(),
      apply: z.unknown().optional(),
      calls: z.array(z.string()),
      streams: z.array(z.string()),
    }),
  ),
})
const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) })

// The imported table loads no client, so the clients need not be installed.
const { rows: all } = Table.parse(await import(new URL('examples/clients/table.ts', root).href))
const { dependencies } = Manifest.parse(
  JSON.parse(readFileSync(new URL('examples/package.json', root), 'utf8')),
)

/** The package and its pinned version. For an alias: the real package. */
function pinned(name: string, installed: readonly string[] = []): string {
  const own = installed.find((exact) => exact.startsWith(`${name}@`))
  const version = own?.slice(name.length + 1) ?? dependencies[name]
  if (version === undefined) throw new Error(`examples/package.json has no ${name}.`)
  const [, real = name, exact = version] = /^npm:(.+)@(.+)$/.exec(version) ?? []
  return `\`${real}\` ${exact}`
}

const rows = all.map((client) => [
  client.name,
  client.package === undefined ? 'the platform’s' : pinned(client.package, client.installed),
  `\`${client.option}\`${client.apply === undefined ? '' : ', with `apply`'}`,
  `${client.calls.join(', ')}${client.streams.length === 0 ? '' : `; streaming: ${client.streams.join(', ')}`}${client.installed === undefined ? '' : '; by the trial `mcp`'}`,
])
const table = [['client', 'package', 'your change', 'tested calls'], ['---', '---', '---', '---'], ...rows]
  .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
  .join('')

const before = readFileSync(page, 'utf8')
if (!MARKED.test(before)) throw new Error('The page has no <!-- clients --> and <!-- /clients -->: add them.')
const after = before.replace(MARKED, (_all, start: string, end: string) => `${start}${table}${end}`)

if (values.check && after !== before) {
  console.error('The table of clients in docs/clients.md is out of date: run `npm run clients:table`.')
  process.exitCode = 1
} else if (after !== before) {
  writeFileSync(page, after)
}
