import OpenAI from 'openai'
import { fetch } from './credential.ts' // llm-refresh

const client = new OpenAI({ fetch }) // llm-refresh

const response = await client.responses.create({
  model: 'gpt-5',
  instructions: 'You are a coding assistant that talks like a pirate',
  input: 'Are semicolons optional in JavaScript?',
})

console.log(response.output_text)
