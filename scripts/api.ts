// Lists the public names: the exports of each subpath of package.json, read from the built declarations.
//   npm run api             writes api/exports.txt. Its diff shows a reviewer which names are new
//   npm run api -- --check  fails if api/exports.txt is out of date
// Both fail if an export names a type that no entry exports, or if two entries export different things under one name.
// `tsx scripts/api.ts ROOT` reads another package.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { API, type Project, type Symbol } from 'typescript/unstable/sync'
import { z } from 'zod'
import { Reachable, resolved } from './reachable.ts'

const named = process.argv.slice(2).find((argument) => !argument.startsWith('-'))
const ROOT = named === undefined ? fileURLToPath(new URL('..', import.meta.url)) : join(named, '/')
const TARGET = `${ROOT}api/exports.txt`

const Package = z.object({
  name: z.string(),
  exports: z.record(z.string(), z.union([z.string(), z.object({ types: z.string() })])),
})

/** The heading of each export → its declaration. */
type Exports = Map<string, string>

function readExports(reachable: Reachable): Exports {
  const manifest = Package.parse(JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')))
  const found: Exports = new Map()
  const api = new API({ cwd: ROOT })
  try {
    for (const [subpath, target] of Object.entries(manifest.exports)) {
      if (typeof target === 'string') continue
      const file = `${ROOT}${target.types.slice(2)}`
      const project = api.updateSnapshot({ openFiles: [file] }).getDefaultProjectForFile(file)
      const exported = exportsOf(project, file)
      reachable.add(exported.project, exported.symbols)
      for (const [name, text] of declarations(exported)) {
        found.set(`# ${manifest.name}${subpath.slice(1)}: ${name}`, text)
      }
    }
  } finally {
    api.close()
  }
  return found
}

/** The exports of an entry. The symbol of each name has the same index. */
interface Entry {
  readonly project: Project
  readonly names: readonly string[]
  readonly symbols: readonly Symbol[]
}

function exportsOf(project: Project | undefined, file: string): Entry {
  const source = project?.program.getSourceFile(file)
  const module = source && project?.checker.getSymbolAtLocation(source)
  if (project === undefined || module === undefined)
    throw new Error(`${file} is not built, or exports nothing`)
  const exported = project.checker.getExportsOfModule(module)
  return {
    project,
    names: exported.map(({ name }) => name),
    symbols: exported.map((symbol) => resolved(project, symbol)),
  }
}

function declarations({ project, names, symbols }: Entry): [string, string][] {
  return symbols
    .map((symbol, at): [string, string] => [names[at] ?? symbol.name, declaration(project, symbol)])
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function declaration(project: Project, symbol: Symbol): string {
  const texts = symbol.declarations.map((handle) => {
    // If another package declares the symbol, the list names only that package.
    const foreign = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(handle.path)
    if (foreign) return `export { ${symbol.name} } from '${foreign[1]}'`
    const node = handle.resolve(project)
    if (node === undefined) throw new Error(`no declaration of ${symbol.name}`)
    return project.emitter.printNode(node)
  })
  return texts.join('\n')
}

function render(exports: Exports): string {
  return [...exports].map(([heading, text]) => `${heading}\n${text}\n`).join('\n')
}

function parse(text: string): Exports {
  const blocks = text.split(/\n\n(?=# )/).map((block): [string, string] => {
    const end = block.indexOf('\n')
    return [block.slice(0, end), block.slice(end + 1).trimEnd()]
  })
  return new Map(blocks)
}

function difference(before: Exports, after: Exports): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((heading) => {
    const old = lines(before.get(heading))
    const now = lines(after.get(heading))
    const gone = old.filter((line) => !now.includes(line)).map((line) => `- ${line}`)
    const added = now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`)
    const moved =
      gone.length + added.length === 0 && old.join('\n') !== now.join('\n') ? ['  (reordered)'] : []
    const changes = [...gone, ...added, ...moved]
    return changes.length === 0 ? [] : [heading, ...changes, '']
  })
}

function lines(text: string | undefined): string[] {
  return text?.split('\n') ?? []
}

function committed(): Exports {
  try {
    return parse(readFileSync(TARGET, 'utf8'))
  } catch {
    return new Map()
  }
}

const reachable = new Reachable(join(ROOT, 'dist/'))
const now = readExports(reachable)
const faults = [
  ...reachable
    .unexported()
    .map(({ name, file, from }) => `${name} (${file}): ${from} leads to it, and no entry exports it`),
  ...reachable
    .alike()
    .map(({ name, file }) => `${name} (${file}): another entry exports something else under this name`),
]
if (faults.length > 0) {
  console.error(faults.join('\n'))
  console.error('Export it, rename it, or let no public signature lead to it.')
  process.exitCode = 1
} else if (process.argv.includes('--check')) {
  const changes = difference(committed(), now)
  if (changes.length > 0) {
    console.error(`The public exports are not those of ${relative(ROOT, TARGET)}:\n\n${changes.join('\n')}`)
    console.error('If that is meant, run `npm run api` and commit the file.')
    process.exitCode = 1
  }
} else {
  mkdirSync(dirname(TARGET), { recursive: true })
  writeFileSync(TARGET, render(now))
}
