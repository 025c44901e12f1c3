import ky from 'ky'
import { fetch } from './credential.ts' // llm-refresh

const api = ky.create({
  prefix: process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1',
  fetch, // llm-refresh
})

const json = { model: 'gpt-5', messages: [{ role: 'user', content: 'Why is the sky blue?' }] }
const answer: unknown = await api.post('chat/completions', { json }).json()
console.log(JSON.stringify(answer))
