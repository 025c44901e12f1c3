import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { SECRET, startOidcServer } from '../support/oidc-server.ts'
import { startRecordingServer } from '../support/recording-server.ts'
import { machine } from './command.ts'
import { blockOf, blocksOf, installCommand, stepsOf } from './transcripts.ts'

const page = fileURLToPath(new URL('../../docs/cli.md', import.meta.url))
/** What differs from run to run, as the page shows it. */
function shown(text: string, folder: string, issuer: string, upstreams: ReadonlyMap<string, string>): string {
  let plain = text
  for (const [name, origin] of upstreams)
    plain = plain.replaceAll(origin, name).replaceAll(new URL(origin).host, new URL(name).host)
  return (
    plain
      .replaceAll(folder, '/home/me')
      .replaceAll(issuer, 'https://auth.example.com')
      .replaceAll(new URL(issuer).host, 'auth.example.com')
      .replaceAll(/\b[A-Z]{4}-[A-Z]{4}\b/g, 'WDJB-MJHT')
      .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:40123')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-01T00:00:00.000Z')
      .replaceAll(/\b\d{13}\b/g, '1700000000000')
      .replaceAll(/sk-proj-[\w-]{20,}/g, 'sk-proj-…')
      .replaceAll(/(?<![\w-])[\w-]{43}(?![\w-])/g, 'eyJ…')
      .replaceAll(/written \d+ s ago/g, 'written 0 s ago')
      // A busy machine takes longer for the page.
      .replaceAll(/expires in [89] min/g, 'expires in 10 min')
      // How many of the callers are under way when the first is rejected is chance.
      .replaceAll(/"calls":\d+,"rejected":\d+/g, '"calls":122,"rejected":61')
  )
}

/** The page's names of clients are a reader's; the server of the test knows its own. */
function asRegistered(config: string): string {
  return config.replace('my-cli', 'public').replace('my-service', 'basic')
}

test('[L1] [E3] given the page of the command line, when its commands are run one after another, then each prints what the page shows', async () => {
  const text = await readFile(page, 'utf8')
  const oidc = await startOidcServer({}, { interval: 1 })
  onTestFinished(() => oidc.close())
  const upstreams = new Map<string, string>()
  for (const name of ['https://llm.example.com', 'https://gateway.example.com']) {
    const upstream = await startRecordingServer((_request, response) => response.writeHead(401).end())
    onTestFinished(() => upstream.close())
    upstreams.set(name, upstream.origin)
  }
  let config = asRegistered(blockOf(text, 'jsonc')).replaceAll('https://auth.example.com', oidc.issuer)
  for (const [name, origin] of upstreams) config = config.replaceAll(name, origin)
  const { folder } = await machine(config)
  const claude = { preset: 'anthropic', to: 'https://llm.example.com/v1', credential: 'work' }
  const twice = JSON.stringify({ version: 1, credentials: {}, routes: { claude } }, undefined, 2)
  await writeFile(
    join(folder, 'twice.jsonc'),
    twice.replace('{}', '{ "work": { "source": "env", "name": "KEY" } }'),
    { mode: 0o600 },
  )
  const secret = JSON.stringify(
    { version: 1, credentials: { work: { source: 'oauth', clientSecret: 'canary' } } },
    undefined,
    2,
  )
  await writeFile(join(folder, 'secret.jsonc'), secret.replace('"source"', '"clientId": "app", "source"'), {
    mode: 0o600,
  })
  const bin = join(folder, 'bin')
  await mkdir(bin)
  await installCommand(bin)
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: folder,
    CI: 'true',
    LLM_REFRESH_CONFIG: join(folder, 'config', 'config.jsonc'),
    CLIENT_SECRET: SECRET,
  }
  let status = 0
  const steps = blocksOf(text).flatMap(({ language, block }) =>
    language === 'console' ? stepsOf(block) : [],
  )
  const shownCommands = new Set(steps.map(({ command }) => /^llm-refresh (\w+)/.exec(command)?.[1]))
  for (const name of ['login', 'logout', 'status', 'token', 'run', 'key', 'check', 'demo'])
    expect(shownCommands).toContain(name)
  for (const { command, output } of steps) {
    if (command === 'echo $?') {
      expect(`${status}\n`, command).toBe(output)
      continue
    }
    let printed = ''
    status = await new Promise<number>((resolve) => {
      const child = execFile('sh', ['-c', `(${command}) 2>&1`], { cwd: folder, env })
      child.stdin?.end()
      child.stdout?.on('data', (piece: string) => {
        const before = /enter the code \S+\n/.test(printed)
        printed += piece
        const [, code] = /enter the code (\S+)\n/.exec(printed) ?? []
        if (code !== undefined && !before) void oidc.confirm(code, 'allow')
      })
      child.on('close', (code) => resolve(code ?? -1))
    })
    expect(shown(printed, folder, oidc.issuer, upstreams), command).toBe(output)
  }
}, 120_000)
