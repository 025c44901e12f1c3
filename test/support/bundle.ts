import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { temporaryFolder } from './folder.ts'

/** Makes a program one file of JavaScript, which starts as fast as Node does. */
export async function bundle(entry: URL | string, outfile: string): Promise<string> {
  await build({
    entryPoints: [typeof entry === 'string' ? entry : fileURLToPath(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    // Drivers that are CommonJS ask for Node's modules, and for parts that nobody needs.
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
 * Makes a piece of TypeScript a program that goes with the test. Compiling on the way, by tsx, takes many times as long as what these do.
 *
 * @returns the file that Node runs
 */
export async function program(code: string): Promise<string> {
  const folder = await temporaryFolder()
  const entry = join(folder, 'program.mts')
  await writeFile(entry, code)
  return bundle(entry, join(folder, 'program.mjs'))
}
