import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll } from 'vitest'

/** A program of this folder as one file of JavaScript, which starts as fast as Node does. It goes when the tests are over. */
export function bundled(name: string): Promise<string> {
  return bundledFrom(new URL(`${name}.ts`, import.meta.url))
}

/** The same of any program. */
export async function bundledFrom(program: URL): Promise<string> {
  const name = basename(program.pathname, '.ts')
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-test-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const outfile = join(folder, `${name}.mjs`)
  await build({
    entryPoints: [fileURLToPath(program)],
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
