import { type Client, SAID } from './client.ts'

export const aiSdkMcp: Client = {
  name: 'MCP, AI SDK 7',
  server: 'mcp',
  takes: 'fetch',
  package: '@ai-sdk/mcp',
  option: "createMCPClient({ transport: { type: 'http', url: url.href, fetch } })",
  calls: { callTool: SAID, tools: SAID, listTools: 'say, spell', connect: 'weather' },
  // The client requests the newest protocol first, and then the one before.
  insists: { connect: 2 },
  streams: [],
  async build({ mcpUrl: url, fetch }) {
    const { createMCPClient, MCPClientError } = await import('@ai-sdk/mcp')

    const connected = (): ReturnType<typeof createMCPClient> =>
      createMCPClient({ transport: { type: 'http', url, fetch } })
    const connecting = connected()
    await connecting.catch(() => undefined)

    return {
      calls: {
        callTool: async () =>
          textOf(await (await connecting).callTool({ name: 'say', arguments: { to: 'you' } })),
        // An agent executes a tool in this way when its model calls it.
        tools: async () => {
          const { say } = (await connecting).toolsFromDefinitions({
            tools: [{ name: 'say', inputSchema: { type: 'object' } }],
          })
          return textOf(await say?.execute({ to: 'you' }, { toolCallId: '1', messages: [], context: {} }))
        },
        listTools: async () =>
          (await (await connecting).listTools()).tools.map(({ name }) => name).join(', '),
        connect: async () => {
          const another = await connected()
          await another.close()
          return another.serverInfo.name
        },
      },
      streams: {},
      isRefusal: (error) => MCPClientError.isInstance(error) && error.statusCode === 401,
      isBroken: () => false,
      close: () => connecting.then((client) => client.close()).catch(() => undefined),
    }
  },
}

function textOf(result: unknown): string {
  const content = typeof result === 'object' && result !== null && 'content' in result ? result.content : []
  const blocks: { text?: string }[] = Array.isArray(content) ? content : []
  return blocks.map(({ text = '' }) => text).join('')
}
