/** Asks a model of the AI SDK that is rebuilt with each new token: no provider package need take a fetch. */
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import { refreshingModelFrom } from 'llm-refresh/ai-sdk'
import { token } from './credential.ts'

const model = await refreshingModelFrom(token.map((apiKey) => createOpenAI({ apiKey })('gpt-5')))

const { textStream } = streamText({ model, prompt: 'Why is the sky blue?' })
for await (const textPart of textStream) {
  process.stdout.write(textPart)
}
