import { type Client, SAID } from './client.ts'
import { pieces } from './mcp.ts'

export const mcp2: Client = {
  name: 'MCP, SDK 2',
  server: 'mcp',
  takes: 'fetch',
  package: '@modelcontextprotocol/client',
  option: 'new StreamableHTTPClientTransport(url, { fetch })',
  calls: { callTool: SAID, listTools: 'say, spell', connect: 'weather' },
  streams: ['callTool with progress'],
  async build({ mcpUrl, fetch }) {
    const sdk = await import('@modelcontextprotocol/client')

    async function connected(): Promise<InstanceType<typeof sdk.Client>> {
      const client = new sdk.Client({ name: 'example', version: '1.0.0' })
      await client.connect(new sdk.StreamableHTTPClientTransport(new URL(mcpUrl), { fetch }))
      return client
    }
    const connecting = connected()
    await connecting.catch(() => undefined)

    return {
      calls: {
        callTool: async () => {
          const client = await connecting
          const { content } = await client.callTool({ name: 'say', arguments: { to: 'you' } })
          return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
        },
        listTools: async () =>
          (await (await connecting).listTools()).tools.map(({ name }) => name).join(', '),
        connect: async () => {
          const another = await connected()
          const { name = '' } = another.getServerVersion() ?? {}
          await another.close()
          return name
        },
      },
      streams: {
        'callTool with progress': () =>
          pieces(async (onPiece) =>
            (await connecting).callTool(
              { name: 'spell', arguments: {} },
              { onprogress: ({ message = '' }) => onPiece(message) },
            ),
          ),
      },
      isRefusal: (error) => error instanceof sdk.SdkHttpError && error.status === 401,
      isBroken: () => false,
      close: () => connecting.then((client) => client.close()).catch(() => undefined),
    }
  },
}
