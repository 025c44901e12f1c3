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
  const folder = cacheFolder(name)
  const list = packages.join(' ')
  const mark = join(folder, 'installed.txt')
  if ((await readFile(mark, 'utf8').catch(() => '')) === list) return folder
  await mkdir(folder, { recursive: true })
  // The folder is a package: npm must not look for one above it.
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await npm(folder, name, ['install', '--silent', '--no-save', '--no-audit', '--no-fund', ...packages])
  await writeFile(mark, list)
  return folder
}

/**
 * The same of a folder that has a lockfile.
 *
 * @param from the folder with a `package.json` and a `package-lock.json`
 */
export async function installedLocked(name: string, from: URL): Promise<string> {
  const files = ['package.json', 'package-lock.json']
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, from), 'utf8')))
  const folder = cacheFolder(name)
  const mark = join(folder, 'installed.txt')
  if ((await readFile(mark, 'utf8').catch(() => '')) === texts.join('')) return folder
  await mkdir(folder, { recursive: true })
  for (const [at, file] of files.entries()) await writeFile(join(folder, file), texts[at] ?? '')
  await npm(folder, name, ['ci', '--silent', '--no-audit', '--no-fund'])
  await writeFile(mark, texts.join(''))
  return folder
}

function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), `llm-refresh-${name}`)
}

/** One at a time, of all that run tests. */
async function npm(folder: string, name: string, args: readonly string[]): Promise<void> {
  const lock = join(tmpdir(), `llm-refresh-${name.replaceAll(/\W/gu, '-')}-install`)
  await run('flock', [lock, 'npm', ...args, '--prefix', folder], { cwd: folder, timeout: 280_000 })
}
