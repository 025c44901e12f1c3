import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Packages that only some tests and trials need. They are large, so they outlive a checkout.
 *
 * @param name the folder's, one for each list
 * @returns the folder, which has a `node_modules`
 */
export async function installed(name: string, packages: readonly string[]): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folder = join(cache, `llm-refresh-${name}`)
  const list = packages.join(' ')
  const mark = join(folder, 'installed.txt')
  if ((await readFile(mark, 'utf8').catch(() => '')) === list) return folder
  await mkdir(folder, { recursive: true })
  // The folder is a package: npm must not look for one above it.
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  const args = [
    'install',
    '--silent',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--prefix',
    folder,
    ...packages,
  ]
  const lock = join(tmpdir(), `llm-refresh-${name.replaceAll(/\W/gu, '-')}-install`)
  await run('flock', [lock, 'npm', ...args], { cwd: folder, timeout: 280_000 })
  await writeFile(mark, list)
  return folder
}
