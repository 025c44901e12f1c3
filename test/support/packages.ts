import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Installs packages that only some tests and trials need. They are large, so they stay in a cache folder outside the checkout.
 *
 * @param name the name of the cache folder. Each list of packages needs its own.
 * @returns the folder that holds `node_modules`
 */
export async function installed(name: string, packages: readonly string[]): Promise<string> {
  const folder = cacheFolder(name)
  const list = packages.join(' ')
  const mark = join(folder, 'installed.txt')
  if ((await readFile(mark, 'utf8').catch(() => '')) === list) return folder
  await mkdir(folder, { recursive: true })
  // Without a package.json here, npm would install into a package above this folder.
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await npm(folder, name, ['install', '--silent', '--no-save', '--no-audit', '--no-fund', ...packages])
  await writeFile(mark, list)
  return folder
}

/**
 * Installs the packages of a lockfile into a cache folder.
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

/** Runs npm. A lock makes all test runs of the machine wait for each other. */
async function npm(folder: string, name: string, args: readonly string[]): Promise<void> {
  const lock = join(tmpdir(), `llm-refresh-${name.replaceAll(/\W/gu, '-')}-install`)
  await run('flock', [lock, 'npm', ...args, '--prefix', folder], { cwd: folder, timeout: 280_000 })
}
