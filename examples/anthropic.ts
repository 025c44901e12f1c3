import Anthropic from '@anthropic-ai/sdk'
import { fetch } from './credential.ts' // llm-refresh

const client = new Anthropic({ fetch }) // llm-refresh

const stream = await client.messages.create({
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Hello, Claude' }],
  model: 'claude-sonnet-5',
  stream: true,
})
for await (const event of stream) {
  if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
    process.stdout.write(event.delta.text)
  }
}
