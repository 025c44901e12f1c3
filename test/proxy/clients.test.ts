import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { expect, onTestFinished, test } from 'vitest'
import { Refreshable } from '../../src/index.ts'
import { createProxyKey, type ProxyPreset } from '../../src/proxy/index.ts'
import { binary } from '../support/binaries.ts'
import { type LlmServer, startLlmServer } from '../support/llm-server.ts'
import { startProxy } from './proxies.ts'

const run = promisify(execFile)
const SAID = 'Hello through the proxy.'

interface World {
  readonly llm: LlmServer
  readonly url: string
  readonly keys: Readonly<Record<'openai' | 'anthropic', string>>
  readonly refreshes: () => number
  /** The token in force is no good from now on. */
  expire(): void
}

async function world(): Promise<World> {
  let good = 0
  let count = 0
  const credential = new Refreshable({
    initial: 't0',
    refresh: async () => {
      count++
      return `t${good}`
    },
  })
  const llm = await startLlmServer({ accepts: (token) => token === `t${good}`, answer: SAID })
  onTestFinished(() => llm.close())
  const made = (preset: ProxyPreset) => createProxyKey({ name: preset, preset })
  const [openai, anthropic] = [made('openai'), made('anthropic')]
  const { url } = await startProxy(
    {
      openai: { to: llm.baseUrl.openai, credential, preset: 'openai' },
      anthropic: { to: llm.url, credential, preset: 'anthropic' },
    },
    { keys: [openai.entry, anthropic.entry] },
  )
  const keys = { openai: openai.key, anthropic: anthropic.key }
  return { llm, url, keys, refreshes: () => count, expire: () => void good++ }
}

const CHAT = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hello?' }] })
const STREAM = JSON.stringify({ ...JSON.parse(CHAT), stream: true })

test('[X6] given curl, when tokens expire between its calls, then each call is served, unary and streaming', async () => {
  const { url, keys, refreshes, expire } = await world()
  const curl = await binary('curl', 'curl')
  const call = async (body: string): Promise<string> => {
    const headers = ['-H', `Authorization: Bearer ${keys.openai}`, '-H', 'Content-Type: application/json']
    return (
      await run(curl, ['-sS', '--fail', '-N', ...headers, '-d', body, `${url}/openai/chat/completions`])
    ).stdout
  }
  for (const n of [1, 2]) {
    expire()
    expect(await call(CHAT)).toContain(SAID)
    expect(await call(STREAM)).toContain('data: [DONE]')
    expect(refreshes()).toBe(n)
  }
})

const PYTHON = `
import json, sys, urllib.request
url, key, body = sys.argv[1:4]
headers = {'x-api-key': key, 'content-type': 'application/json', 'anthropic-version': '2023-06-01'}
request = urllib.request.Request(url, data=body.encode(), headers=headers)
with urllib.request.urlopen(request) as response:
    print(json.load(response)['content'][0]['text'])
`

test('[X6] given Python’s standard library, when tokens expire between its calls, then each call is served', async () => {
  const { url, keys, refreshes, expire } = await world()
  const python = await binary('python3', 'python3')
  const body = JSON.stringify({ ...JSON.parse(CHAT), model: 'claude-opus-5', max_tokens: 100 })
  for (const n of [1, 2]) {
    expire()
    const { stdout } = await run(python, ['-c', PYTHON, `${url}/anthropic/v1/messages`, keys.anthropic, body])
    expect([stdout.trim(), refreshes()]).toEqual([SAID, n])
  }
})

test('[X6] given the AI SDK’s providers with a base URL and a static key, when tokens expire between calls, then each call is served, unary and streaming', async () => {
  const { url, keys, refreshes, expire } = await world()
  const models = [
    createOpenAI({ baseURL: `${url}/openai`, apiKey: keys.openai }).chat('gpt-5'),
    createAnthropic({ baseURL: `${url}/anthropic/v1`, apiKey: keys.anthropic })('claude-opus-5'),
  ]
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello?' }] }]
  for (const [at, model] of models.entries()) {
    expire()
    const { content } = await model.doGenerate({ prompt })
    expect([content.find(({ type }) => type === 'text'), refreshes()]).toEqual([
      expect.objectContaining({ text: SAID }),
      at * 2 + 1,
    ])
    expire()
    let said = ''
    const { stream } = await model.doStream({ prompt })
    for await (const part of stream) if (part.type === 'text-delta') said += part.delta
    expect([said, refreshes()]).toEqual([SAID, at * 2 + 2])
  }
})

test('[X6] given a storm of callers with static keys, when the token expires, then one refresh serves them all', async () => {
  const { url, keys, refreshes, expire, llm } = await world()
  expire()
  const call = async (): Promise<number> => {
    const headers = { authorization: `Bearer ${keys.openai}`, 'content-type': 'application/json' }
    const response = await fetch(`${url}/openai/chat/completions`, { method: 'POST', headers, body: CHAT })
    await response.text()
    return response.status
  }
  const statuses = await Promise.all(Array.from({ length: 50 }, call))
  expect([new Set(statuses), refreshes(), llm.requests() <= 100]).toEqual([new Set([200]), 1, true])
})
