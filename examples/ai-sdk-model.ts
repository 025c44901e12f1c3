/** Asks a model of the AI SDK. The library rebuilds the model with each new token, so the provider package needs no `fetch` option. */
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import { refreshingModelFrom } from 'llm-refresh/ai-sdk'
import { credential } from './credential.ts'

const model = await refreshingModelFrom(credential.map((apiKey) => createOpenAI({ apiKey })('gpt-5')))

const { textStream } = streamText({ model, prompt: 'Why is the sky blue?' })
for await (const textPart of textStream) {
  process.stdout.write(textPart)
}
