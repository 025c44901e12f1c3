import { createFetch } from 'ofetch'
import { fetch } from './credential.ts' // llm-refresh

const api = createFetch({
  defaults: { baseURL: process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1' },
  fetch, // llm-refresh
})

const answer: unknown = await api('chat/completions', {
  method: 'POST',
  body: { model: 'gpt-5', messages: [{ role: 'user', content: 'Why is the sky blue?' }] },
})
console.log(JSON.stringify(answer))
