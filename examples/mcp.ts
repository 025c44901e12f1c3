import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { fetch } from './credential.ts' // llm-refresh

const client = new Client({ name: 'streamable-http-client', version: '1.0.0' })
const transport = new StreamableHTTPClientTransport(
  new URL(process.env['MCP_URL'] ?? 'http://localhost:3000/mcp'),
  { fetch }, // llm-refresh
)
await client.connect(transport)

const { content } = await client.callTool({ name: 'say', arguments: { to: 'you' } })
console.log(JSON.stringify(content))
await client.close()
