/**
 * Asks a model of the AI SDK. Another program renews the token in a file.
 *
 *     TOKEN_FILE=/run/secrets/token OPENAI_BASE_URL=https://… npx tsx provider.ts 'Why is the sky blue?'
 */
import { readFile } from 'node:fs/promises'
import { createOpenAI } from '@ai-sdk/openai'
import { languageModelProvider } from 'llm-refresh/ai-sdk'
import { type LlmProvider, RefreshingProvider } from 'llm-refresh/provider'

const { TOKEN_FILE = 'token', OPENAI_BASE_URL = 'https://api.openai.com/v1' } = process.env
const [question = 'Hello'] = process.argv.slice(2)

async function build(): Promise<LlmProvider> {
  const apiKey = (await readFile(TOKEN_FILE, 'utf8')).trim()
  return languageModelProvider(createOpenAI({ apiKey, baseURL: OPENAI_BASE_URL })('gpt-5'))
}

const provider = new RefreshingProvider(await build(), build)
for await (const delta of provider.chatStream({
  system: 'Be brief.',
  messages: [{ role: 'user', content: question }],
})) {
  if (delta.type === 'text_delta') process.stdout.write(delta.delta)
  if (delta.type === 'error') throw new Error(delta.message)
}
