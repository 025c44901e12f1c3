import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** The portable program with the built package in it, as one script: what is bundled for a browser runs anywhere. */
export async function portableBundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('portable.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'error',
  })
  return outputFiles[0]?.text ?? ''
}
