import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI, { toFile } from 'openai'

/** A program that knows only its environment variables. It prints a line of JSON for each call: the call's result or error. */
const messages = [{ role: 'user' as const, content: 'Hello?' }]
const chat = { model: 'gpt-5', messages }
const message = { model: 'claude-opus-5', max_tokens: 9, messages }
const openai = new OpenAI()
const anthropic = new Anthropic()
// In every version this SDK reads its API key from the environment. Not every version reads the base URL.
const google = new GoogleGenAI({ httpOptions: { baseUrl: process.env['GOOGLE_GEMINI_BASE_URL'] ?? '' } })

const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  chat: async () => (await openai.chat.completions.create(chat)).choices[0]?.message.content,
  'chat stream': async () => openai.chat.completions.stream(chat).finalContent(),
  responses: async () => (await openai.responses.create({ model: 'gpt-5', input: 'Hello?' })).output_text,
  upload: async () => {
    const file = await toFile(Buffer.alloc(100_000, 'a'), 'a.txt')
    return (await openai.files.create({ file, purpose: 'user_data' })).bytes
  },
  message: async () =>
    (await anthropic.messages.create(message)).content.map((block) => Reflect.get(block, 'text')).join(''),
  'message stream': async () => anthropic.messages.stream(message).finalText(),
  generate: async () =>
    (await google.models.generateContent({ model: 'gemini-3-pro', contents: 'Hello?' })).text,
}

async function tell(when: string, name: string): Promise<void> {
  const told = await calls[name]?.().then(
    (said) => ({ said }),
    (error: Error) => ({ error: error.constructor.name, message: error.message }),
  )
  console.log(JSON.stringify({ when, call: name, ...told }))
}

for (const name of Object.keys(calls)) await tell('served', name)
for (const name of ['chat', 'message', 'generate']) await tell('dead', name)
