import { execFile } from 'node:child_process'
import { access, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The folders of programs: those of the PATH, and the ones that Debian does not put into the PATH. */
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
 * Finds a program. If it is missing, and this is Debian and root, it installs the program.
 *
 * @param debian the package that contains the program
 */
export async function binary(name: string, debian: string): Promise<string> {
  const found = (await find(name)) ?? (await install(name, debian))
  if (found !== undefined) return found
  throw new Error(`${name} is missing, and cannot be installed: install the package ${debian}.`)
}

/** Whether a program is there, or can be installed. If not, it prints a warning; in CI, which must run everything, it throws. */
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

/** Installs a package. A lock makes all test runs of the machine wait for each other, because apt itself fails instead of waiting. */
async function install(name: string, debian: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined
  // We need only PostgreSQL's programs, so its package must not start a server.
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
