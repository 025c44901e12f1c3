import { fetch } from './credential.ts' // llm-refresh

const response = await fetch(
  `${process.env['OPENAI_BASE_URL'] ?? 'https://api.openai.com/v1'}/chat/completions`,
  {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'Why is the sky blue?' }] }),
  },
)
console.log(await response.text())
