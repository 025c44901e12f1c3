// Checks the layers of src/ on the parsed imports, imports of types included: `tsx scripts/layers.ts [ROOT]`. With `cli/src --command-line` it
// checks the command line.
// A member of a wing may import its own files, its wing's `shared/`, and the floors that this table lists for its wing. It must not import a
// sibling.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'

const BASE = 'errors.ts lib core'
const ANY = /./u
const OTEL = /^@opentelemetry\/api$/u
const AI_SDK = /^@ai-sdk\/provider$/u
type Layers = readonly (readonly [floor: string, imports: string, packages?: RegExp])[]
const ofLibrary: Layers = [
  ['errors.ts', ''],
  ['lib', 'errors.ts'],
  ['core', 'errors.ts lib'],
  ['llm', 'errors.ts lib'],
  ['models', 'llm'],
  ['credential', BASE],
  ['sources', `${BASE} credential`, ANY],
  ['stores', `${BASE} credential`, ANY],
  ['surfaces', `${BASE} llm`],
  ['surfaces/ai-sdk', '', AI_SDK],
  ['surfaces/undici', '', /^node:/u],
  ['proxy', `${BASE} credential surfaces/undici surfaces/shared`, /^(?:node:.*|undici)$/u],
  ['testing', `${BASE} credential`, /^node:http$/u],
  ['observe', BASE],
  ['observe/debug.ts', '', /^node:diagnostics_channel$/u],
  ['observe/otel', '', OTEL],
  ['index.ts', `${BASE} credential surfaces/fetch surfaces/shared observe/log-events.ts`],
]
/** The layers of the command line. It imports the library as a package, through the library's entries. */
const ofCommandLine: Layers = [
  ['lib', '', ANY],
  ['config', 'lib', ANY],
  ['recall', 'lib config', ANY],
  ['setup', 'lib config', ANY],
  ['report.ts', 'lib', ANY],
  ['commands', 'lib config recall setup report.ts', ANY],
  ['program.ts', 'lib commands', ANY],
  ['bin.ts', 'recall'],
  ['main.ts', 'lib program.ts report.ts setup', ANY],
]
/** Floors whose members must not import each other. */
const wings = ['sources', 'stores', 'surfaces']
/** Code for every platform. It imports no package and no `node:` module, even if its floor may. */
const neutral = ['stores/shared', 'stores/postgres', 'stores/redis', 'sources/env.ts']
const MOST_FILES = 16
const MOST_LINES = 260
/** Files of data. They may be longer than `MOST_LINES`. */
const LONG = ['models/snapshot.ts']

const root = process.argv[2] ?? fileURLToPath(new URL('../src', import.meta.url))

const layers = process.argv.includes('--command-line') ? ofCommandLine : ofLibrary

const isIn = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`)

function floorOf(
  file: string,
): { name: string; imports: string[]; packages: RegExp | undefined } | undefined {
  const found = layers.filter(([floor]) => isIn(file, floor))
  const [name] = found[0] ?? []
  if (name === undefined) return undefined
  const packages = neutral.some((place) => isIn(file, place)) ? undefined : found.at(-1)?.[2]
  return { name, imports: found.flatMap(([, imports]) => imports.split(' ')), packages }
}

/** The member of a wing that a file belongs to: `stores/redis`, `sources/env.ts`. */
function memberOf(file: string): string | undefined {
  const wing = wings.find((name) => isIn(file, name))
  return wing && file.split('/').slice(0, 2).join('/')
}

function fault(file: string, imported: string): string | undefined {
  const floor = floorOf(file)
  if (floor === undefined) return 'stands on no floor of the table in scripts/layers.ts'
  if (!imported.startsWith('.')) {
    const isKnown = floor.packages?.test(imported) === true
    return isKnown ? undefined : 'is a package that this floor may not import'
  }
  const target = join(dirname(file), imported)
  const [mine, theirs] = [memberOf(file), memberOf(target)]
  if (mine !== undefined && theirs !== undefined && mine.split('/')[0] === theirs.split('/')[0]) {
    const isShared = theirs.endsWith('/shared')
    return mine === theirs || isShared ? undefined : 'is a sibling'
  }
  const isBelow =
    isIn(target, floor.name) || floor.imports.some((place) => place !== '' && isIn(target, place))
  return isBelow ? undefined : 'is not on a lower floor'
}

/** All imports of a file, in every form, each with its line. */
function importsOf(path: string, text: string): [specifier: string, line: number][] {
  const found: [string, number][] = []
  const note = (node: { readonly type: string; readonly start: number } | null): void => {
    if (node?.type !== 'Literal' || !('value' in node) || typeof node.value !== 'string') return
    found.push([node.value, text.slice(0, node.start).split('\n').length])
  }
  new Visitor({
    ImportDeclaration: ({ source }) => note(source),
    ImportExpression: ({ source }) => note(source),
    ExportNamedDeclaration: ({ source }) => note(source),
    ExportAllDeclaration: ({ source }) => note(source),
    TSImportType: ({ source }) => note(source),
  }).visit(parseSync(path, text).program)
  return found
}

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .toSorted()
const faults: string[] = []
const graph = new Map<string, string[]>()
const folders = new Map<string, number>()
for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8')
  const lines = text.split('\n').length - 1
  if (lines > MOST_LINES && !LONG.includes(file))
    faults.push(`${file}: ${lines} lines, of at most ${MOST_LINES}`)
  folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + 1)
  const imports = importsOf(file, text)
  for (const [imported, line] of imports) {
    const what = fault(file, imported)
    if (what !== undefined) faults.push(`${file}:${line}: '${imported}' ${what}`)
  }
  const own = imports.filter(([imported]) => imported.startsWith('.'))
  graph.set(
    file,
    own.map(([imported]) => join(dirname(file), imported)),
  )
}
for (const [folder, count] of folders)
  if (count > MOST_FILES) faults.push(`${folder}: ${count} files, of at most ${MOST_FILES}`)
for (const circle of circles()) faults.push(`a circle: ${circle.join(' → ')}`)

function circles(): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, way: string[]): void => {
    const at = way.indexOf(file)
    if (at >= 0) return void found.push([...way.slice(at), file])
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...way, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exit(1)
}
console.log(`${files.length} files on their floors: no circle, no arrow upwards, no sibling.`)
