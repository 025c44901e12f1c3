import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

/** A running MCP server. */
export interface RunningMcpServer {
  readonly url: string
  /** The number of requests that arrived. The GET requests by which clients listen for events do not count. */
  requests(): number
  /** The number of requests that the server rejected for their credential. */
  rejections(): number
  /** From now on a tool that reports progress awaits this after its first report. undefined: tools no longer wait. */
  hold(afterContent: (() => Promise<void>) | undefined): void
  close(): Promise<void>
}

/**
 * Starts a real MCP server (the SDK's own) on loopback and a free port, with sessions, behind a bearer check. It responds with event streams.
 *
 * @param accepts whether a bearer token is valid at this instant
 * @param answer the text that its tools return
 * @param issuer its authorization server. With it, the server publishes its metadata (RFC 9728).
 */
export async function startMcpServer(
  accepts: (token: string) => Promise<boolean>,
  answer: string,
  issuer?: string,
): Promise<RunningMcpServer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  let requests = 0
  let rejections = 0
  let afterContent: (() => Promise<void>) | undefined

  function mcpServer(): McpServer {
    const server = new McpServer({ name: 'weather', version: '1.0.0' })
    server.registerTool('say', { description: 'Says it.', inputSchema: { to: z.string() } }, () => ({
      content: [{ type: 'text', text: answer }],
    }))
    server.registerTool(
      'spell',
      { description: 'Says it word by word, as progress.', inputSchema: {} },
      async (_input, { _meta, sendNotification }) => {
        const progressToken = _meta?.progressToken
        const words = answer.split(/(?<= )/)
        for (const [index, message] of words.entries()) {
          if (progressToken === undefined) break
          await sendNotification({
            method: 'notifications/progress',
            params: { progressToken, progress: index + 1, total: words.length, message },
          })
          if (index === 0) await afterContent?.()
        }
        return { content: [{ type: 'text', text: answer }] }
      },
    )
    return server
  }

  async function sessionOf(request: IncomingMessage): Promise<StreamableHTTPServerTransport> {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (known !== undefined) return known
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (session) => void sessions.set(session, transport),
    })
    await mcpServer().connect(transport)
    return transport
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (issuer !== undefined && request.url === '/.well-known/oauth-protected-resource/mcp') {
      const resource = `http://${request.headers.host}/mcp`
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ resource, authorization_servers: [issuer] }))
      return
    }
    if (request.method === 'POST') requests++
    const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
    if (token === undefined || !(await accepts(token))) {
      if (request.method === 'POST') rejections++
      response.writeHead(401, {
        'content-type': 'application/json',
        'www-authenticate': 'Bearer error="invalid_token", error_description="The access token expired"',
      })
      response.end('{"error":"invalid_token","error_description":"The access token expired"}')
      return
    }
    await (await sessionOf(request)).handleRequest(request, response)
  }

  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')

  return {
    url: `http://127.0.0.1:${address.port}/mcp`,
    requests: () => requests,
    rejections: () => rejections,
    hold: (until) => {
      afterContent = until
    },
    close: async () => {
      await Promise.all([...sessions.values()].map((transport) => transport.close()))
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
