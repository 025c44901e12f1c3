import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import manifest from '../package.json' with { type: 'json' }
import { type Finding, inTurn } from './rounds.ts'

const entry = fileURLToPath(import.meta.resolve('llm-refresh'))

/** Names of the root entry → the most KiB that importing them may add. */
const PARTS = [
  ['{ Refreshable }', 7.75],
  ['{ Refreshable, refreshingFetch }', 23.5],
  ['{ createCredential }', 21.5],
  ['{ createCredential, refreshingFetch }', 35],
  ['*', 38],
] as const

/** The import of most programs. The size of any other feature is measured on top of it. */
const BASE = from('{ createCredential, refreshingFetch }', entry)
/** Further names of the root entry. */
const NAMES = ['createCredentialPool', 'isUnauthorizedError', 'logEvents', 'retryStreamOnce']
/** Entries that programs do not bundle, because only tests and consoles use them. */
const FREE = ['.', './package.json', './debug', './testing']

/** The size of the root entry, the time to import it, and the size that each feature adds to a program. */
export async function weight(): Promise<Finding[]> {
  const weights = await Promise.all(PARTS.map(([names, ceiling]) => weigh(names, ceiling)))
  const base = await sizeOf(BASE)
  const features = Object.keys(manifest.exports).filter((path) => !FREE.includes(path))
  const added = await Promise.all([
    ...NAMES.map((name) => add(`\`${name}\``, from(`{ ${name} }`, entry), base)),
    ...features.map((path) => {
      const name = path.replace('.', 'llm-refresh')
      return add(`\`${name}\``, from('*', fileURLToPath(import.meta.resolve(name))), base)
    }),
  ])
  const folder = mkdtempSync(join(tmpdir(), 'llm-refresh-bench-'))
  try {
    const empty = join(folder, 'empty.mjs')
    writeFileSync(empty, 'export {}\n')
    const { one, other } = await inTurn(21, load(empty), load(entry))
    return [
      ...weights,
      {
        question: 'Importing it',
        figure: (other - one) / 1e6,
        unit: 'ms more',
        ceiling: 10,
        note: 'all of it, than an empty module, in a process of its own',
      },
      ...added,
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function weigh(names: string, ceiling: number): Promise<Finding> {
  const question = names === '*' ? 'The whole root entry' : `\`${names}\``
  const note = 'of the root entry, minified and gzipped'
  return { question, figure: (await sizeOf(from(names, entry))) / 1024, unit: 'KiB', ceiling, note }
}

/** @param base the size of a program without this feature, in bytes */
async function add(question: string, code: string, base: number): Promise<Finding> {
  const figure = ((await sizeOf(`${BASE}\n${code}`)) - base) / 1024
  const note =
    'besides `{ createCredential, refreshingFetch }`, minified and gzipped, without packages of others'
  return { question, figure, unit: 'KiB more', note }
}

function from(names: string, path: string): string {
  return `export ${names} from ${JSON.stringify(path)}`
}

/** The size of a program in bytes, minified and gzipped. */
async function sizeOf(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: dirname(entry) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    packages: 'external',
    // esbuild would warn about each import of a shared file, because package.json says that those files have no side effects.
    logLevel: 'error',
    write: false,
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
}

/** The time to import a file, in ns. A new process measures it, so that the start of the process does not count. */
function load(file: string): () => Promise<number> {
  const script = `
    const start = process.hrtime.bigint()
    await import('${pathToFileURL(file).href}')
    console.log(Number(process.hrtime.bigint() - start))`
  return async () => {
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`cannot import ${file}`)
    return Number(stdout)
  }
}
