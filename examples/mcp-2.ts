import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { fetch } from './credential.ts' // llm-refresh

const client = new Client({ name: 'my-client', version: '1.0.0' })
const transport = new StreamableHTTPClientTransport(
  new URL(process.env['MCP_URL'] ?? 'http://localhost:3000/mcp'),
  { fetch }, // llm-refresh
)
await client.connect(transport)

const { content } = await client.callTool({ name: 'say', arguments: { to: 'you' } })
console.log(JSON.stringify(content))
await client.close()
