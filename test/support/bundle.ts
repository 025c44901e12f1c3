import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Makes a program one file of JavaScript, which starts as fast as Node does. */
export async function bundle(entry: URL, outfile: string): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(entry)],
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
