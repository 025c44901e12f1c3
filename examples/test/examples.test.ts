import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startLlmServer } from '../../test/support/llm-server.ts'
import { SAID, UNUSED } from '../clients/client.ts'
import { startMcpServer } from './mcp-server.ts'

const examples = join(import.meta.dirname, '..')

/** Examples that do more than change a quick start: they rebuild a model or a provider with each token. */
const OWN = ['ai-sdk-model.ts', 'provider.ts']
/** This example has its own logins. mcp-agent.test.ts runs it. */
const AGENT = 'mcp-agent.ts'
const OTHERS = ['credential.ts', 'dispatcher.ts', 'everywhere.ts', 'vitest.config.ts', AGENT, ...OWN]

const files = (await readdir(examples)).filter((file) => file.endsWith('.ts') && !OTHERS.includes(file))

test('there is an example for each client', () => {
  expect(files.toSorted()).toEqual(
    'ai-sdk anthropic axios fetch google ky langchain mcp-2 mcp ofetch openai-agents openai undici'
      .split(' ')
      .map((name) => `${name}.ts`),
  )
})

test.each(files)('%s: the vendor’s own quick start, but for two lines, which are marked', async (file) => {
  const lines = (await readFile(join(examples, file), 'utf8')).split('\n')
  const isMarked = (line: string): boolean => line.endsWith(' // llm-refresh')
  const marked = lines.filter(isMarked)
  expect(marked.length).toBeGreaterThan(0)
  expect(marked.length).toBeLessThanOrEqual(2)
  for (const line of lines.filter((each) => !isMarked(each))) {
    expect(line).not.toMatch(/llm-refresh|credential\.ts|dispatcher\.ts|everywhere\.ts|[rR]efresh/)
  }
})

test.concurrent.each([...files, ...OWN])(
  '[F7] %s runs with a token that is stale at its start: the answer comes with the second request',
  async (file) => {
    const folder = await mkdtemp(join(tmpdir(), 'example-'))
    const tokenFile = join(folder, 'token')
    await writeFile(tokenFile, 'stale\n')
    const accepts = async (credential: string): Promise<boolean> => {
      // Another program would renew the token. Here the file gets the fresh token while the server rejects the stale one.
      writeFileSync(tokenFile, 'fresh\n')
      return credential === 'fresh'
    }
    const llm = await startLlmServer({ accepts, answer: SAID })
    const mcp = await startMcpServer(accepts, SAID)
    const isMcp = file.startsWith('mcp')
    const server = isMcp ? mcp : llm
    try {
      const env = {
        PATH: process.env['PATH'],
        TOKEN_FILE: tokenFile,
        API_ORIGIN: isMcp ? new URL(mcp.url).origin : llm.url,
        ANTHROPIC_AUTH_TOKEN: UNUSED,
        ANTHROPIC_BASE_URL: llm.url,
        GEMINI_API_KEY: UNUSED,
        GOOGLE_GEMINI_BASE_URL: llm.url,
        MCP_URL: mcp.url,
        OPENAI_API_KEY: UNUSED,
        OPENAI_BASE_URL: llm.baseUrl.openai,
        OPENAI_AGENTS_DISABLE_TRACING: '1',
      }
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], {
        env,
        cwd: examples,
      })
      expect(stdout).toContain(SAID)
      expect(server.rejections()).toBe(1)
      // The MCP client sends two more requests to open its session.
      expect(server.requests()).toBe(isMcp ? 4 : 2)
    } finally {
      await Promise.all([llm.close(), mcp.close(), rm(folder, { recursive: true })])
    }
  },
  60_000,
)
