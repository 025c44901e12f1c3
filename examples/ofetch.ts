import { ofetch } from 'ofetch'
import { fetch } from './credential.ts' // llm-refresh

const baseURL = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1'
const apiFetch = ofetch.create({ baseURL }, { fetch }) // llm-refresh

const answer: unknown = await apiFetch('chat/completions', {
  method: 'POST',
  body: { model: 'gpt-5', messages: [{ role: 'user', content: 'Why is the sky blue?' }] },
})
console.log(JSON.stringify(answer))
