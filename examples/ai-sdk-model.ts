/** Asks a model of an AI SDK provider that is rebuilt with each new token: no provider package need take a fetch. */
import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'
import { refreshingModels } from 'llm-refresh/ai-sdk'
import { token } from './credential.ts'

const credential = token.map((accessToken) => ({ accessToken }))
const openai = refreshingModels(credential, ({ accessToken }) => createOpenAI({ apiKey: accessToken }))

const { textStream } = streamText({ model: openai('gpt-5'), prompt: 'Why is the sky blue?' })
for await (const textPart of textStream) {
  process.stdout.write(textPart)
}
