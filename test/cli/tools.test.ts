import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { startTestServers } from '../../src/testing/index.ts'
import { machine } from './command.ts'
import { installStandIns } from './stand-ins.ts'
import { blockOf, blocksOf, installCommand, stepsOf } from './transcripts.ts'

const run = promisify(execFile)
const pages = fileURLToPath(new URL('../../docs/tools/', import.meta.url))

/** Where the settings go that a page shows, and the language of their block, the first of it. */
const SETTINGS: Readonly<Record<string, readonly [language: string, path: string]>> = {
  'claude-code': ['json', '.claude/settings.json'],
  codex: ['toml', '.codex/config.toml'],
  opencode: ['json', '.config/opencode/opencode.json'],
  'openai-python': ['python', 'app.py'],
  'anthropic-python': ['python', 'app.py'],
}

test.each(['any-tool', 'claude-code', 'codex', 'opencode', 'aider', 'openai-python', 'anthropic-python'])(
  '[X6] [E3] given the page %s, when its settings are made and its commands run, then each prints what the page shows, and under `run` a call outlives its token',
  async (name) => {
    const text = await readFile(join(pages, `${name}.md`), 'utf8')
    const config = blockOf(await readFile(join(pages, 'any-tool.md'), 'utf8'), 'jsonc')
    const servers = await startTestServers()
    onTestFinished(() => servers.close())
    const local = (given: string): string =>
      given
        .replaceAll('https://auth.example.com', servers.issuer)
        .replaceAll('https://llm.example.com', servers.origin)
    const { folder, config: file, run: command } = await machine(local(config))
    const { bin, python } = await installStandIns(folder)
    await installCommand(bin)
    const env = {
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: folder,
      PYTHONPATH: python,
      LLM_REFRESH_CONFIG: file,
      CLIENT_SECRET: 'canary-secret',
      ANTHROPIC_AUTH_TOKEN: undefined,
    }
    expect(await command(['token', 'work'], env)).toMatchObject({ code: 0 })
    const [settings, path = ''] = SETTINGS[name] ?? []
    let [commands, isMade] = [0, settings === undefined]
    for (const { language, block } of blocksOf(text)) {
      if (language === settings && !isMade) {
        isMade = true
        await mkdir(dirname(join(folder, path)), { recursive: true, mode: 0o700 })
        await writeFile(join(folder, path), local(block))
      }
      for (const { command: line, output } of stepsOf(language === 'console' ? block : '')) {
        commands++
        const isUnderRun = line.startsWith('llm-refresh run')
        if (isUnderRun) servers.expireTokens()
        const { rejected } = servers.counts
        const { stdout, stderr } = await run('sh', ['-c', line], { env, cwd: folder })
        expect({ stdout: stdout.trim(), stderr }, line).toEqual({ stdout: output.trim(), stderr: '' })
        expect(servers.counts.rejected - rejected).toBe(isUnderRun ? 1 : 0)
      }
    }
    expect({ isMade, hasRun: commands > 0 }).toEqual({ isMade: true, hasRun: true })
  },
  120_000,
)
