import { execFile } from 'node:child_process'
import { access, mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where Debian puts what it does not put into the path. */
async function folders(): Promise<string[]> {
  const postgres = '/usr/lib/postgresql'
  const versions = await readdir(postgres).catch(() => [])
  const paths = (process.env['PATH'] ?? '').split(delimiter)
  return [
    ...paths,
    '/usr/sbin',
    '/sbin',
    ...versions.toReversed().map((version) => join(postgres, version, 'bin')),
  ]
}

async function find(name: string): Promise<string | undefined> {
  for (const folder of await folders()) {
    const path = join(folder, name)
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}

/**
 * A program of the machine; on Debian, where it is missing, it is installed, given the rights.
 *
 * @param debian the package that has it
 */
export async function binary(name: string, debian: string): Promise<string> {
  const found = (await find(name)) ?? (await install(name, debian))
  if (found !== undefined) return found
  const message = `${name} is missing, and cannot be installed: install the package ${debian}.`
  console.warn(`NOT RUN: ${message}`)
  throw new Error(message)
}

async function install(name: string, debian: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined
  return alone(async () => {
    const found = await find(name)
    if (found !== undefined) return found
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    try {
      await run('apt-get', ['update', '-qq'], { env })
      await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debian], { env })
    } catch {
      return undefined
    }
    return find(name)
  })
}

/** One at a time, of all that run tests. */
async function alone<R>(work: () => Promise<R>): Promise<R> {
  const lock = join(tmpdir(), 'llm-refresh-test-install')
  while (!(await isMade(lock))) await new Promise((resolve) => setTimeout(resolve, 500))
  try {
    return await work()
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

function isMade(path: string): Promise<boolean> {
  return mkdir(path).then(
    () => true,
    () => false,
  )
}
