import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { SECRET, startOidcServer } from '../support/oidc-server.ts'
import { machine } from './command.ts'

const page = fileURLToPath(new URL('../../docs/cli.md', import.meta.url))
const bundle = fileURLToPath(new URL('../../cli/dist/llm-refresh.cjs', import.meta.url))

interface Step {
  readonly command: string
  readonly output: string
}

/** What a person types, and what they see then. */
function stepsOf(text: string): Step[] {
  const blocks = [...text.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const end = step.indexOf('\n')
        return { command: step.slice(0, end), output: step.slice(end + 1) }
      }),
  )
}

/** What differs from run to run, as the page shows it. */
function shown(text: string, folder: string, issuer: string): string {
  return text
    .replaceAll(folder, '/home/me')
    .replaceAll(issuer, 'https://auth.example.com')
    .replaceAll(new URL(issuer).host, 'auth.example.com')
    .replaceAll(/\b[A-Z]{4}-[A-Z]{4}\b/g, 'WDJB-MJHT')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:40123')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-01T00:00:00.000Z')
    .replaceAll(/\b\d{13}\b/g, '1700000000000')
    .replaceAll(/sk-proj-[\w-]{20,}/g, 'sk-proj-…')
    .replaceAll(/\b[\w-]{43}\b/g, 'eyJ…')
    .replaceAll(/written \d+ s ago/g, 'written 0 s ago')
}

test('[L1] [E3] given the page of the command line, when its commands are run one after another, then each prints what the page shows', async () => {
  const text = await readFile(page, 'utf8')
  const oidc = await startOidcServer()
  onTestFinished(() => oidc.close())
  const [, config = ''] = /^```jsonc\n(.*?)^```$/ms.exec(text) ?? []
  const { folder } = await machine(config.replaceAll('https://auth.example.com', oidc.issuer))
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
  await writeFile(join(bin, 'llm-refresh'), `#!/bin/sh\nexec "${process.execPath}" "${bundle}" "$@"\n`)
  await chmod(join(bin, 'llm-refresh'), 0o755)
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: folder,
    CI: 'true',
    LLM_REFRESH_CONFIG: join(folder, 'config', 'config.jsonc'),
    CLIENT_SECRET: SECRET,
  }
  let status = 0
  const steps = stepsOf(text)
  expect(steps.length).toBeGreaterThan(15)
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
    expect(shown(printed, folder, oidc.issuer), command).toBe(output)
  }
}, 120_000)
