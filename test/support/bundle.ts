import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { temporaryFolder } from './folder.ts'

/** Bundles a program into one file of JavaScript, which starts as fast as Node does. */
export async function bundle(entry: URL | string, outfile: string): Promise<string> {
  await build({
    entryPoints: [typeof entry === 'string' ? entry : fileURLToPath(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    // CommonJS drivers call `require` for Node's modules, and for optional parts that are not installed.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    external: ['pg-native'],
  })
  return outfile
}

/** The path of a file of `src`, as a program imports it. */
export function fileOfSource(path: string): string {
  return fileURLToPath(new URL(`../../src/${path}`, import.meta.url))
}

/**
 * Bundles a piece of TypeScript into a program, and removes it after the test. Running it with tsx would take many times as long.
 *
 * @returns the path of the program
 */
export async function program(code: string): Promise<string> {
  const folder = await temporaryFolder()
  const entry = join(folder, 'program.mts')
  await writeFile(entry, code)
  return bundle(entry, join(folder, 'program.mjs'))
}
