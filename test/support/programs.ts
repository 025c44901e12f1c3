import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { whenGone } from './leash.ts'

/** Programs of `test/fleet` that tests start as processes. */
export type Program = 'contestant' | 'leaver' | 'member' | 'outage-member' | 'relayer' | 'sleeper' | 'victim'

const NAMES: readonly Program[] = [
  'contestant',
  'leaver',
  'member',
  'outage-member',
  'relayer',
  'sleeper',
  'victim',
]

/** The variable that holds the path of the programs' folder. */
const FOLDER = 'LLM_REFRESH_TEST_PROGRAMS'

/**
 * Bundles the programs once for all tests of a run. They start as fast as Node does. Each driver is a separate file, so that a process reads only
 * the driver that it uses.
 *
 * @returns a function that removes the programs
 */
export async function makePrograms(): Promise<() => Promise<void>> {
  if (process.env[FOLDER] !== undefined) return async () => undefined
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-programs-'))
  const isOver = whenGone('rm -rf "$0"', folder)
  await build({
    entryPoints: NAMES.map((name) => fileURLToPath(new URL(`../fleet/${name}.ts`, import.meta.url))),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    // CommonJS drivers call `require` for Node's modules, and for optional parts that are not installed.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    external: ['pg-native'],
  })
  process.env[FOLDER] = folder
  return async () => {
    delete process.env[FOLDER]
    isOver()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The path of a program. */
export function programOf(name: Program): string {
  const folder = process.env[FOLDER]
  if (folder === undefined) throw new Error('The programs are not made: makePrograms() comes first.')
  return join(folder, `${name}.mjs`)
}
