/** Asks a model of the AI SDK. The library rebuilds the provider with each new token, so the provider package needs no `fetch` option. */
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import { refreshingModels } from 'llm-refresh/ai-sdk'
import { credential } from './credential.ts'

const tokens = credential.map((accessToken) => ({ accessToken }))
const openai = refreshingModels(tokens, ({ accessToken }) => createOpenAI({ apiKey: accessToken }))

const { textStream } = streamText({ model: openai('gpt-5'), prompt: 'Why is the sky blue?' })
for await (const textPart of textStream) {
  process.stdout.write(textPart)
}
