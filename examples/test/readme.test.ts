import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startLlmServer } from '../../test/support/llm-server.ts'
import { SECRET, startOidcServer } from '../../test/support/oidc-server.ts'
import { SAID } from '../clients/client.ts'
import { clients } from '../clients/table.ts'

const examples = join(import.meta.dirname, '..')

async function blocks(): Promise<string[]> {
  const text = await readFile(join(examples, '../README.md'), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
}

/** What a reader of the table has at hand: the vendors' clients, and what the first screen makes. */
const AT_HAND = `
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { ChatAnthropic } from '@langchain/anthropic'
import { ChatOpenAI } from '@langchain/openai'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { setDefaultOpenAIClient } from '@openai/agents'
import axios from 'axios'
import ky from 'ky'
import type { Credential } from 'llm-refresh'
import { refreshingModels } from 'llm-refresh/ai-sdk'
import { refreshing } from 'llm-refresh/undici'
import { createFetch } from 'ofetch'
import OpenAI from 'openai'
import { Agent, setGlobalDispatcher } from 'undici'

declare const fetch: typeof globalThis.fetch
declare const token: Credential
declare const [id, origins]: string[]
declare const url: URL
`
/** Older versions are installed under other names. */
const OLDER: Readonly<Record<string, [string, string]>> = {
  'AI SDK 5': ['@ai-sdk/openai', 'ai-sdk-openai-v2'],
  'AI SDK 6': ['@ai-sdk/openai', 'ai-sdk-openai-v3'],
  'OpenAI 6': ["'openai'", "'openai6'"],
}

test('every block of README.md, and every row of its table, compiles as printed', async () => {
  const folder = await mkdtemp(join(examples, '.readme-'))
  try {
    const printed = (await blocks()).map((code, at) => [`block-${at}.ts`, `${code}\nexport {}\n`] as const)
    const rows = clients.map(({ name, option }) => {
      const [from, to] = OLDER[name.replace(/ models$/, '')] ?? ['', '']
      const file = `${name.replaceAll(/\W+/g, '-')}.ts`
      return [file, `${AT_HAND.replace(from, to)}\nvoid (${option})\n`] as const
    })
    for (const [file, code] of [...printed, ...rows]) await writeFile(join(folder, file), code)
    const compilerOptions = { noUnusedLocals: false, noUncheckedIndexedAccess: false }
    const config = { extends: '../../tsconfig.json', include: ['*.ts'], compilerOptions }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(examples, '../node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
    expect(stdout.replaceAll(basename(folder), '')).toBe('')
  } finally {
    await rm(folder, { recursive: true })
  }
}, 60_000)

test('[M1] the model of README.md runs, with the token of a file', async () => {
  const [, program = ''] = await blocks()
  const llm = await startLlmServer({ answer: SAID, accepts: async (key) => key === 'from-a-file' })
  const folder = await mkdtemp(join(examples, '.readme-'))
  try {
    await writeFile(join(folder, 'token'), 'from-a-file\n')
    await writeFile(join(folder, 'program.ts'), program)
    const env = {
      PATH: process.env['PATH'],
      TOKEN_FILE: join(folder, 'token'),
      OPENAI_BASE_URL: llm.baseUrl.openai,
    }
    const args = ['--import', 'tsx', join(folder, 'program.ts')]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, cwd: examples })
    expect(stdout).toBe(`${SAID}\n`)
  } finally {
    await Promise.all([llm.close(), rm(folder, { recursive: true })])
  }
}, 30_000)

test('[F7, K5] the program on the first screen of README.md runs, over a token that dies', async () => {
  const [program = ''] = await blocks()
  const authorization = await startOidcServer()
  let rejected = 0
  const llm = await startLlmServer({
    answer: SAID,
    // The first token has been revoked by the time that it is shown.
    accepts: async (token) => ++rejected > 1 && authorization.isActive(token),
  })
  // Beside the examples, so that it finds what they have installed.
  const file = join(examples, `readme-${process.pid}.ts`)
  try {
    const local = program
      .replaceAll('https://auth.example.com', authorization.issuer)
      .replaceAll('https://gateway.example.com/v1', llm.baseUrl.openai)
      .replaceAll('https://gateway.example.com', llm.url)
      .replace('my-agent', 'basic')
    await writeFile(file, local)
    const env = { PATH: process.env['PATH'], CLIENT_SECRET: SECRET }
    const options = { env, cwd: examples }
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], options)
    expect(stdout).toBe(SAID)
    expect(authorization.to('token')).toHaveLength(2)
  } finally {
    await rm(file, { force: true })
    await Promise.all([llm.close(), authorization.close()])
  }
})
