import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { type Finding, inTurn } from './rounds.ts'

const entry = fileURLToPath(import.meta.resolve('llm-refresh'))

/** What the root entry weighs, and what importing it takes. */
export async function weight(): Promise<Finding[]> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  })
  const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length

  const folder = mkdtempSync(join(tmpdir(), 'llm-refresh-bench-'))
  try {
    const empty = join(folder, 'empty.mjs')
    writeFileSync(empty, 'export {}\n')
    const { one, other } = await inTurn(21, load(empty), load(entry))
    return [
      {
        question: 'The root entry, minified and gzipped',
        figure: bytes / 1024,
        unit: 'KiB',
        ceiling: 8,
        note: 'all of it, tree-shaking nothing',
      },
      {
        question: 'Importing it',
        figure: (other - one) / 1e6,
        unit: 'ms more',
        ceiling: 10,
        note: 'than an empty module, in a process of its own',
      },
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
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
