import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createCredential } from 'llm-refresh'
import { mcp } from 'llm-refresh/sources/mcp'
import { fileStore } from 'llm-refresh/stores/file'
import { expect, onTestFinished, test } from 'vitest'
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../test/support/authorization-server.ts'
import { startLlmServer } from '../../test/support/llm-server.ts'
import { node22 } from '../../test/support/node-22.ts'
import { SAID, UNUSED } from '../clients/client.ts'
import { type RunningMcpServer, startMcpServer } from './mcp-server.ts'

/** The AI SDK requires Node 22. */
const node = (await node22()) ?? process.execPath

/** Starts an MCP server with its own authorization server. That server knows the example's client, and registers no other. */
async function startService(answer: string): Promise<{ api: RunningMcpServer; server: AuthorizationServer }> {
  const server = await startAuthorizationServer({ clientAuthentication: 'none', resource: () => api.url })
  const api: RunningMcpServer = await startMcpServer((token) => server.isActive(token), answer, server.issuer)
  onTestFinished(async () => void (await Promise.all([api.close(), server.close()])))
  return { api, server }
}

test('[A8] mcp-agent.ts: given two MCP servers whose tokens have expired, when the agent uses a tool, then each login is refreshed once and kept for the next run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-agent-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'token'), 'model-token\n')
  const services = [await startService('It rains.'), await startService('You are free.')]
  const store = fileStore({ path: join(folder, 'logins') })
  const logins = await Promise.all(
    services.map(async ({ api, server }) => {
      const login = await server.login()
      const { accessToken, refreshToken } = login
      const extra = { mcp: { issuer: server.issuer, client: server.client.id } }
      const source = mcp(api.url, { store })
      await createCredential({ source, store, key: api.url }).login({ accessToken, refreshToken, extra })
      return login
    }),
  )
  const results: string[] = []
  const llm = await startLlmServer({
    accepts: async (token) => token === 'model-token',
    answer: ({ messages, tools }) => {
      const last = messages.at(-1)
      if (last?.role !== 'tool') {
        const name = tools?.[0]?.function.name ?? ''
        return { toolCalls: [{ name, arguments: '{"to":"you"}' }] }
      }
      results.push(JSON.stringify(last.content))
      return { content: SAID }
    },
  })
  onTestFinished(() => llm.close())
  const [weather, calendar] = services.map(({ api }) => api.url)
  const env = {
    PATH: process.env['PATH'],
    TOKEN_FILE: join(folder, 'token'),
    API_ORIGIN: llm.url,
    OPENAI_API_KEY: UNUSED,
    OPENAI_BASE_URL: llm.baseUrl.openai,
    LOGINS: join(folder, 'logins'),
    WEATHER_URL: weather,
    CALENDAR_URL: calendar,
  }
  for (let run = 1; run <= 2; run++) {
    for (const { server } of services) server.expireAccessTokens()
    const cwd = join(import.meta.dirname, '..')
    const { stdout } = await promisify(execFile)(node, ['--import', 'tsx', 'mcp-agent.ts'], { env, cwd })
    expect(stdout).toBe(`${SAID}\n`)
    expect(logins.map((login) => [login.redemptions(), login.revoked()])).toEqual([
      [run, false],
      [run, false],
    ])
  }
  // Both servers' tools have the same name, so the agent calls the second server's.
  expect(results).toEqual([
    expect.stringContaining('You are free.'),
    expect.stringContaining('You are free.'),
  ])
}, 120_000)
