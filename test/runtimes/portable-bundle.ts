import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Bundles the portable program and the built package into one script for browsers. Such a script runs on every platform. */
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
