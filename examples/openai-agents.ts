import { Agent, run, setDefaultOpenAIClient } from '@openai/agents'
import OpenAI from 'openai'
import { fetch } from './credential.ts' // llm-refresh

setDefaultOpenAIClient(new OpenAI({ fetch })) // llm-refresh

const agent = new Agent({
  name: 'Assistant',
  instructions: 'You are a helpful assistant',
  model: 'gpt-5',
})

const result = await run(agent, 'Write a haiku about recursion in programming.')
console.log(result.finalOutput)
