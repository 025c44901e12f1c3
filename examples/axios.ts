import axios from 'axios'
import { fetch } from './credential.ts' // llm-refresh

const baseURL = process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1'
const api = axios.create({ baseURL, adapter: 'fetch', env: { fetch } }) // llm-refresh

const { data } = await api.post<unknown>('chat/completions', {
  model: 'gpt-5',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
})
console.log(JSON.stringify(data))
