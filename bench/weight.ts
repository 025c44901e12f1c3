import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { type Finding, inTurn } from './rounds.ts'

const entry = fileURLToPath(import.meta.resolve('llm-refresh'))

/** What is imported of the root entry → how large that may be, in KiB. */
const PARTS = [
  ['{ Refreshable }', 7.75],
  ['{ Refreshable, refreshingFetch }', 23.5],
  ['{ createCredential }', 21.5],
  ['{ createCredential, refreshingFetch }', 35],
  ['*', 38],
] as const

/** What the root entry weighs, and what importing it takes. */
export async function weight(): Promise<Finding[]> {
  const weights = await Promise.all(PARTS.map(([names, ceiling]) => weigh(names, ceiling)))
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
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function weigh(names: string, ceiling: number): Promise<Finding> {
  const { outputFiles } = await build({
    stdin: { contents: `export ${names} from ${JSON.stringify(entry)}`, resolveDir: dirname(entry) },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  })
  const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
  const what = names === '*' ? 'The whole root entry' : `\`${names}\``
  const note = 'of the root entry, minified and gzipped'
  return { question: what, figure: bytes / 1024, unit: 'KiB', ceiling, note }
}

/** Measured inside a new process, so that its own start does not count. */
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
