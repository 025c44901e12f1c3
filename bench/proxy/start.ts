import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCredential } from 'llm-refresh'
import { oauth } from 'llm-refresh/sources/oauth'
import { fileStore } from 'llm-refresh/stores/file'
import { elapsed, type Finding, inTurn, median } from '../rounds.ts'

const COMMAND = fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url))
/** The Node versions that `.ci/run` and the trials have installed. */
const NODES = ['llm-refresh-nodes', 'llm-refresh-runtimes'].map((name) =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), name, 'node_modules/node22/bin/node'),
)

/** How long the command takes to start, compared with an empty program on the same Node. */
export async function commandStarts(upstream: number): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-refresh-bench-'))
  try {
    const env = await prepare(folder, upstream)
    const key = execFileSync(process.execPath, [COMMAND, 'key', 'add', 'bench'], { env, encoding: 'utf8' })
    const token = /\S{40,}/.exec(key)?.[0] ?? ''
    const newer = NODES.find((path) => existsSync(path))
    if (newer === undefined) console.log('Node 22 is not here: the command is not measured on it.')
    const nodes = [
      { node: process.execPath, starts: 2.5, prints: 1.3 },
      ...(newer === undefined ? [] : [{ node: newer, starts: 4.5, prints: 1.6 }]),
    ]
    const hasCas = env['NODE_EXTRA_CA_CERTS'] !== undefined
    const sizes: number[] = []
    const rows: Finding[] = []
    for (const { node, starts, prints } of nodes) {
      const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
      const empty = ended(node, [join(folder, 'empty.cjs')], env)
      const against = (times: { one: number; other: number }): string =>
        `against an empty program on Node ${version}: ${(times.other / 1e6).toFixed(0)} and ${(times.one / 1e6).toFixed(0)} ms${hasCas ? ', both with NODE_EXTRA_CA_CERTS' : ''}`
      const proxy = await inTurn(11, empty, () => toFirstByte(node, env, token, sizes))
      const printed = await inTurn(21, empty, ended(node, [COMMAND, 'token'], env))
      const row = { unit: '×' }
      rows.push(
        {
          ...row,
          question: 'From the start of `llm-refresh proxy` to its first byte',
          figure: proxy.ratio,
          ceiling: starts,
          note: against(proxy),
        },
        {
          ...row,
          question: '`llm-refresh token` over files, nothing stale',
          figure: printed.ratio,
          ceiling: prints,
          note: against(printed),
        },
      )
    }
    const idle = { question: '`llm-refresh proxy`, idle', unit: 'MiB', ceiling: 60 }
    const note = 'of memory, once it has served a request'
    return [...rows, { ...idle, figure: median(sizes) / 1024, note }]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Writes a configuration with a login and a route. Returns the environment for the command. */
async function prepare(folder: string, upstream: number): Promise<NodeJS.ProcessEnv> {
  const tokenEndpoint = 'http://127.0.0.1:1/token'
  const client = { tokenEndpoint, clientId: 'bench' }
  const config = {
    version: 1,
    stores: { default: { type: 'file', path: 'store' } },
    credentials: { work: { source: 'oauth', ...client } },
    routes: { api: { to: `http://127.0.0.1:${upstream}`, credential: 'work' } },
  }
  const path = join(folder, 'config')
  mkdirSync(path, { mode: 0o700 })
  writeFileSync(join(path, 'config.jsonc'), JSON.stringify(config), { mode: 0o600 })
  writeFileSync(join(folder, 'empty.cjs'), '')
  const store = fileStore({ path: join(path, 'store') })
  const credential = createCredential({ source: oauth(client), store, key: 'work' })
  await credential.login({ access_token: 'token', refresh_token: 'refresh', expires_in: 86_400 })
  await credential.flush()
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    LLM_REFRESH_CONFIG: join(path, 'config.jsonc'),
    CI: 'true',
    // With this variable set, Node reads the CAs at every start. So the empty program must have it, too.
    NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'],
  }
}

function ended(node: string, args: string[], env: NodeJS.ProcessEnv): () => Promise<number> {
  return () =>
    elapsed(async () => {
      const { status, stderr } = spawnSync(node, args, { env, encoding: 'utf8' })
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
    })
}

async function toFirstByte(
  node: string,
  env: NodeJS.ProcessEnv,
  key: string,
  sizes: number[],
): Promise<number> {
  const start = process.hrtime.bigint()
  const child = spawn(node, [COMMAND, 'proxy', '--port', '0'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const { url } = JSON.parse(String(line)) as { url: string }
    const request = get(`${url}/api/v1/x`, { agent: false, headers: { authorization: `Bearer ${key}` } })
    const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }]
    const took = Number(process.hrtime.bigint() - start)
    response.resume()
    if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}`)
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    sizes.push(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]))
    return took
  } finally {
    child.kill('SIGKILL')
    await exit
  }
}
