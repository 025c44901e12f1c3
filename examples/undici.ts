import { Agent, request, setGlobalDispatcher } from 'undici'
import { interceptor } from './dispatcher.ts' // llm-refresh

setGlobalDispatcher(new Agent().compose(interceptor)) // llm-refresh

const baseURL = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1'
const { body } = await request(`${baseURL}/chat/completions`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Why is the sky blue?' }] }),
})
console.log(await body.text())
