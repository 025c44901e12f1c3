import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { machine, type Machine } from './command.ts'
import { client, loggedIn } from './logged-in.ts'

const dist = dirname(fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url)))

/** A machine with a login whose token is not stale, and a copy of some of the command's files that finds no package. */
async function holding(...files: string[]): Promise<Machine & { command: string; env: NodeJS.ProcessEnv }> {
  const upstream = createServer((request, response) => response.end(request.headers.authorization))
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  onTestFinished(() => upstream.close().closeAllConnections())
  const { port } = upstream.address() as AddressInfo
  const at = await machine({
    credentials: { work: { source: 'oauth', ...client } },
    routes: { api: { to: `http://127.0.0.1:${port}`, credential: 'work' } },
  })
  await loggedIn(at.store)
  for (const file of files) await copyFile(join(dist, file), join(at.folder, file))
  const env = { PATH: process.env['PATH'], HOME: at.folder, LLM_REFRESH_CONFIG: at.config, CI: 'true' }
  return { ...at, command: join(at.folder, 'llm-refresh.cjs'), env }
}

test('[L2] given a token that is not stale, when it is asked for, then the command reads its first three files alone, and no package', async () => {
  const { command, env } = await holding('llm-refresh.cjs', 'command.cjs', 'config.cjs')
  const child = spawn(process.execPath, [command, 'token'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  expect(await text(child.stdout)).toBe('canary\n')
})

test('[L1] given a token that is not stale, when the proxy serves a request, then the command reads its file of the proxy and undici’s pool besides, and nothing else', async () => {
  const { command, env, run } = await holding(
    'llm-refresh.cjs',
    'command.cjs',
    'proxy.cjs',
    'undici-pool.cjs',
  )
  const key = (await run(['key', 'add', 'laptop'])).stdout.trim()
  await run(['status'])
  const words = [command, 'proxy', '--port', '0']
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const { url } = JSON.parse(String(line)) as { url: string }
  const response = await fetch(`${url}/api/x`, { headers: { authorization: `Bearer ${key}` } })
  expect(await response.text()).toBe('Bearer canary')
})

/** How the command ends without the file that reads configurations: only what was read before is known to it. */
async function knowing(change: (at: { config: string; cache: string }) => Promise<unknown>): Promise<string> {
  const { command, config, env, folder, run } = await holding('llm-refresh.cjs', 'command.cjs')
  await run(['status'])
  const places = await readdir(join(folder, '.cache', 'llm-refresh'))
  await change({ config, cache: join(folder, '.cache', 'llm-refresh', places[0] ?? '') })
  const child = spawn(process.execPath, [command, 'token'], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  return text(child.stdout)
}

test('[L1] given a configuration that a command has read, when the next one runs, then it does not read it again', async () => {
  expect(await knowing(async () => undefined)).toBe('canary\n')
})

test.each<[string, Parameters<typeof knowing>[0]]>([
  [
    'the configuration has changed',
    async ({ config }) => writeFile(config, `${await readFile(config, 'utf8')} `),
  ],
  ['others may read what the command noted', ({ cache }) => chmod(cache, 0o640)],
  ['what the command noted is damaged', ({ cache }) => writeFile(cache, '{"version":')],
  [
    'another version noted it',
    async ({ cache }) => {
      const noted = JSON.parse(await readFile(cache, 'utf8')) as object
      await writeFile(cache, JSON.stringify({ ...noted, version: '0.0.1' }))
    },
  ],
])(
  '[L1] given a configuration that a command has read, when %s, then the next one reads it',
  async (_, change) => {
    expect(await knowing(change)).toBe('')
  },
)
