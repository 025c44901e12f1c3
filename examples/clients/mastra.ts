import type { Row } from './client.ts'

/** Mastra's client brings 160 packages. So the trial `mcp` installs and runs it, and the tests do not. */
export const mastra: Row = {
  name: 'MCP, Mastra',
  package: '@mastra/mcp',
  installed: ['@mastra/mcp@2.0.0', '@mastra/core@1.71.0', 'zod@4.6.7'],
  option: 'new MCPClient({ servers: { name: { url, fetch } } })',
  calls: ['listTools', 'execute'],
  streams: [],
}
