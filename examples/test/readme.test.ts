import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startLlmServer } from '../../test/support/llm-server.ts'
import { SECRET, startOidcServer } from '../../test/support/oidc-server.ts'
import { SAID } from '../clients/client.ts'
import { rows } from '../clients/table.ts'

const examples = join(import.meta.dirname, '..')

function readme(page = 'README.md'): Promise<string> {
  return readFile(join(examples, '..', page), 'utf8')
}

async function blocks(page?: string): Promise<string[]> {
  const text = await readme(page)
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
}

/** The blocks of all pages that use a client. Only the examples have these clients installed. */
async function blocksWithClients(): Promise<string[]> {
  const docs = await readdir(join(examples, '../docs'), { recursive: true })
  const pages = docs.filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`)
  const all = await Promise.all(pages.map((page) => blocks(page)))
  return all.flat().filter((code) => /from '(?:ai|openai)'/.test(code))
}

/** The code before each row of the table: it imports the vendors' clients, and declares the page's credential and fetch. */
const AT_HAND = `
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createMCPClient } from '@ai-sdk/mcp'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
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
import { refreshingInterceptor } from 'llm-refresh/undici'
import { createFetch } from 'ofetch'
import OpenAI from 'openai'
import { Agent, setGlobalDispatcher } from 'undici'

declare const fetch: typeof globalThis.fetch
declare const credential: Credential
declare const [id, origins]: string[]
declare const baseURL: string
declare const url: URL
// Only the trial installs Mastra.
declare const MCPClient: new (options: { servers: Record<string, { url: URL; fetch: typeof globalThis.fetch }> }) => unknown
`
/** The replaced package names of older versions. */
const OLDER: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'AI SDK 5': olderAiSdk('v2'),
  'AI SDK 6': olderAiSdk('v3'),
  'MCP, SDK 2': [['@modelcontextprotocol/sdk/client/streamableHttp.js', '@modelcontextprotocol/client']],
  'OpenAI 6': [["'openai'", "'openai6'"]],
}

function olderAiSdk(version: string): readonly (readonly [string, string])[] {
  return [
    ["'@ai-sdk/anthropic'", `'ai-sdk-anthropic-${version}'`],
    ["createGoogle } from '@ai-sdk/google'", `createGoogleGenerativeAI } from 'ai-sdk-google-${version}'`],
    ["'@ai-sdk/openai'", `'ai-sdk-openai-${version}'`],
  ]
}

test('every block of README.md, every block with a client, and every row of the table of clients compile as printed', async () => {
  const folder = await mkdtemp(join(examples, '.readme-'))
  try {
    const all = [...(await blocks()), ...(await blocksWithClients())]
    const printed = all.map((code, at) => [`block-${at}.ts`, `${code}\nexport {}\n`] as const)
    const options = rows.map(({ name, option }) => {
      const older = OLDER[name.replace(/(?: models|, \w+)$/, '')] ?? OLDER[name] ?? []
      const atHand = older.reduce((code, [from, to]) => code.replace(from, to), AT_HAND)
      return [`${name.replaceAll(/\W+/g, '-')}.ts`, `${atHand}\nvoid (${option})\n`] as const
    })
    for (const [file, code] of [...printed, ...options]) await writeFile(join(folder, file), code)
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

test('[M1] the first model of docs/ai-sdk.md runs, with the token of a file', async () => {
  const [program = ''] = await blocks('docs/ai-sdk.md')
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

/** A path for a program in a new folder below the examples, so that the program finds their packages. The dot hides it from the formatter. */
async function placeFor(name: string): Promise<string> {
  return join(await mkdtemp(join(examples, '.readme-')), name)
}

test('[F7] the first program of README.md runs as pasted, and shows one refresh after a 401', async () => {
  const [program = ''] = await blocks()
  const file = await placeFor('first.mjs')
  try {
    await writeFile(file, program)
    const options = { env: { PATH: process.env['PATH'] }, cwd: examples }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], options)
    expect(stderr).toBe('')
    // The text below the program on the page names the same events.
    const refresh = ['refresh_started', 'issued', 'persisted', 'refresh_succeeded']
    const said = 'Hello from the test server.'
    expect(stdout.trimEnd().split('\n')).toEqual([...refresh, 'rejected', ...refresh, 'retried', said])
    const [, text = ''] = /^(This program needs no account\..*?)\n\n/ms.exec(await readme()) ?? []
    const [first = '', second = ''] = text.split('The second prints')
    expect(first.match(/`\w+_?\w+`/g)).toEqual(refresh.map((type) => `\`${type}\``))
    expect(second.match(/`\w+`/g)).toEqual(['`rejected`', '`retried`'])
  } finally {
    await rm(dirname(file), { recursive: true })
  }
})

test('[F7, K5] the program of README.md with an OAuth client runs, over a token that dies', async () => {
  const [, program = ''] = await blocks()
  const authorization = await startOidcServer()
  let rejected = 0
  const llm = await startLlmServer({
    answer: SAID,
    // The server rejects the first request, as if the token had been revoked.
    accepts: async (token) => ++rejected > 1 && authorization.isActive(token),
  })
  const file = await placeFor('readme.ts')
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
    await rm(dirname(file), { recursive: true })
    await Promise.all([llm.close(), authorization.close()])
  }
})

test('[F11] given a wrong origin in the second program of README.md, when it runs as that page advises for a 401, then stderr says what to do', async () => {
  const [, program = ''] = await blocks()
  const [, flags = ''] = /`node (--import \S+) app\.js`/.exec(await readme()) ?? []
  const llm = await startLlmServer({ answer: SAID, accepts: async () => false })
  const file = await placeFor('origin.ts')
  try {
    // The base URL is the test server's, but `origins` still names the page's origin.
    await writeFile(file, program.replace('https://gateway.example.com/v1', llm.baseUrl.openai))
    const args = [...flags.split(' '), '--import', 'tsx', file]
    const env = { PATH: process.env['PATH'], CLIENT_SECRET: SECRET }
    const running = promisify(execFile)(process.execPath, args, { env, cwd: examples })
    await expect(running).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `llm-refresh: ${llm.url} responded 401 and got no credential: add it to 'origins', or correct the client's base URL.`,
      ),
    })
  } finally {
    await Promise.all([llm.close(), rm(dirname(file), { recursive: true })])
  }
})
