import { execFile } from 'node:child_process'
import { access, readdir } from 'node:fs/promises'
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
  throw new Error(`${name} is missing, and cannot be installed: install the package ${debian}.`)
}

/** Whether a program is there, or can be installed. Where it cannot, that is said; CI has to run everything, and fails. */
export async function has(name: string, debian: string): Promise<boolean> {
  try {
    await binary(name, debian)
    return true
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error
    console.warn(`NOT RUN: what takes ${name}. Install the package ${debian}.`)
    return false
  }
}

/** One at a time, of all that run tests: apt does not wait. */
async function install(name: string, debian: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined
  // Of PostgreSQL the programs are wanted, and no server that runs at once.
  const clusters = '/etc/postgresql-common/createcluster.d'
  const quiet = `mkdir -p ${clusters} && echo "create_main_cluster = false" > ${clusters}/llm-refresh.conf`
  const get = `${quiet} && apt-get update -qq && apt-get install -y -qq --no-install-recommends ${debian}`
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const lock = join(tmpdir(), 'llm-refresh-test-install')
  await run(
    'flock',
    [
      lock,
      'sh',
      '-c',
      `dpkg-query -W -f '\${db:Status-Status}' ${debian} | grep -qx installed || { ${get}; }`,
    ],
    { env },
  ).catch(() => undefined)
  return find(name)
}
