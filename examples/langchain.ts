import { ChatOpenAI } from '@langchain/openai'
import { fetch } from './credential.ts' // llm-refresh

const model = new ChatOpenAI({
  model: 'gpt-5',
  configuration: { fetch }, // llm-refresh
})

const response = await model.invoke('Why do parrots talk?')
console.log(response.text)
