import { createAnthropic } from '@ai-sdk/anthropic'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { generateText, streamText } from 'ai'
import { Refreshable } from 'llm-refresh'
import { createProxy, createProxyKey, type ProxyPreset } from 'llm-refresh/proxy'
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { startLlmServer } from '../../test/support/llm-server.ts'

const SAID = 'Hello through the proxy.'
const PRESETS = ['openai', 'anthropic', 'google'] as const

/** An LLM server behind the proxy, and the base URL and static key for a client of each vendor. */
async function world() {
  let good = 0
  let count = 0
  const refresh = async (): Promise<string> => {
    count++
    return `t${good}`
  }
  const credential = new Refreshable({ initial: 't0', refresh })
  const llm = await startLlmServer({ accepts: (token) => token === `t${good}`, answer: SAID })
  const keys = PRESETS.map((preset: ProxyPreset) => createProxyKey({ name: preset, preset }))
  const proxy = createProxy({
    keys: keys.map(({ entry }) => entry),
    routes: Object.fromEntries(PRESETS.map((preset) => [preset, { to: llm.url, credential, preset }])),
  })
  onTestFinished(async () => {
    await proxy.close()
    await llm.close()
  })
  const { url } = await proxy.listen()
  const [openai = '', anthropic = '', google = ''] = keys.map(({ key }) => key)
  return { url, keys: { openai, anthropic, google }, refreshes: () => count, expire: () => void good++ }
}

test('[X6] given the SDKs of OpenAI, Anthropic and Google, and the AI SDK, with a base URL and a static key alone, when tokens expire between their calls, then each call is served, unary and streaming', async () => {
  const { url, keys, refreshes, expire } = await world()
  const openai = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: keys.openai, maxRetries: 0 })
  const anthropic = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: keys.anthropic, maxRetries: 0 })
  const google = new GoogleGenAI({
    apiKey: keys.google,
    httpOptions: { baseUrl: `${url}/google`, apiVersion: 'v1beta' },
  })
  const model = createAnthropic({ baseURL: `${url}/anthropic/v1`, apiKey: keys.anthropic })('claude-opus-5')
  const messages = [{ role: 'user' as const, content: 'Hello?' }]
  const calls: (() => Promise<string | undefined | null>)[] = [
    async () =>
      (await openai.chat.completions.create({ model: 'gpt-5', messages })).choices[0]?.message.content,
    async () => {
      let text = ''
      const stream = await openai.chat.completions.create({ model: 'gpt-5', messages, stream: true })
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
      return text
    },
    async () => {
      const { content } = await anthropic.messages.create({
        model: 'claude-opus-5',
        max_tokens: 100,
        messages,
      })
      return content[0]?.type === 'text' ? content[0].text : undefined
    },
    async () => anthropic.messages.stream({ model: 'claude-opus-5', max_tokens: 100, messages }).finalText(),
    async () => (await google.models.generateContent({ model: 'gemini-3-pro', contents: 'Hello?' })).text,
    async () => (await generateText({ model, prompt: 'Hello?', maxRetries: 0 })).text,
    async () => streamText({ model, prompt: 'Hello?', maxRetries: 0 }).text,
  ]
  for (const [at, call] of calls.entries()) {
    expire()
    expect([await call(), refreshes()]).toEqual([SAID, at + 1])
  }
})

test('[X6] given a wrong key, when the SDKs of OpenAI and Anthropic call, then they raise their own authentication errors', async () => {
  const { url } = await world()
  const openai = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'wrong' })
  const anthropic = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: 'wrong' })
  await expect(openai.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
  await expect(anthropic.models.list()).rejects.toBeInstanceOf(Anthropic.AuthenticationError)
})
