import { type Client, SAID } from './client.ts'

export const mcp: Client = {
  name: 'MCP, SDK 1',
  server: 'mcp',
  takes: 'fetch',
  package: '@modelcontextprotocol/sdk',
  option: 'new StreamableHTTPClientTransport(url, { fetch })',
  calls: { callTool: SAID, listTools: 'say, spell', connect: 'weather' },
  streams: ['callTool with progress'],
  async build({ mcpUrl, fetch }) {
    const { Client: McpClient } = await import('@modelcontextprotocol/sdk/client/index.js')
    const { StreamableHTTPClientTransport, StreamableHTTPError } =
      await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
    const { CallToolResultSchema } = await import('@modelcontextprotocol/sdk/types.js')

    async function connected(): Promise<InstanceType<typeof McpClient>> {
      const client = new McpClient({ name: 'example', version: '1.0.0' })
      await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { fetch }))
      return client
    }
    const connecting = connected()
    await connecting.catch(() => undefined)

    return {
      calls: {
        callTool: async () => {
          const client = await connecting
          const result = await client.callTool({ name: 'say', arguments: { to: 'you' } })
          const { content } = CallToolResultSchema.parse(result)
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
            (await connecting).callTool({ name: 'spell', arguments: {} }, undefined, {
              onprogress: ({ message = '' }) => onPiece(message),
            }),
          ),
      },
      isRefusal: (error) => error instanceof StreamableHTTPError && error.code === 401,
      isBroken: () => false,
      close: () => connecting.then((client) => client.close()).catch(() => undefined),
    }
  },
}

/** The pieces that `run` reports through its callback, as a stream. */
export function pieces(run: (onPiece: (piece: string) => void) => Promise<unknown>): ReadableStream<string> {
  return new ReadableStream({
    async start(controller) {
      await run((piece) => controller.enqueue(piece))
      controller.close()
    },
  })
}
