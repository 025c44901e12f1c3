import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import { fetch } from './credential.ts' // llm-refresh

const openai = createOpenAI({ fetch }) // llm-refresh

const { textStream } = streamText({
  model: openai('gpt-5'),
  prompt: 'Invent a new holiday and describe its traditions.',
})

for await (const textPart of textStream) {
  process.stdout.write(textPart)
}
