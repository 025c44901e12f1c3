import type { OAuthClientProvider } from '@ai-sdk/mcp'

/** One connection of an MCP client. */
export interface Caller {
  /** Calls a tool. @returns what it said */
  call(): Promise<string>
  close(): Promise<void>
}

/** How a client authenticates: by the fetch that it is given, or by itself. */
export type Authentication = { readonly fetch: typeof fetch } | { readonly authProvider: OAuthClientProvider }

type Connect = (url: string, authentication: Authentication) => Promise<Caller>

const TOOL = { name: 'say', arguments: { to: 'you' } }

/** The MCP clients of a storm, each as its documentation shows it. */
export const callers = {
  '@modelcontextprotocol/sdk 1': async (url, authentication) => {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
    const { StreamableHTTPClientTransport } =
      await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
    const client = new Client({ name: 'storm', version: '1.0.0' })
    await client.connect(new StreamableHTTPClientTransport(new URL(url), authentication))
    return { call: async () => JSON.stringify(await client.callTool(TOOL)), close: () => client.close() }
  },
  '@modelcontextprotocol/client 2': async (url, authentication) => {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
    const client = new Client({ name: 'storm', version: '1.0.0' })
    await client.connect(new StreamableHTTPClientTransport(new URL(url), authentication))
    return { call: async () => JSON.stringify(await client.callTool(TOOL)), close: () => client.close() }
  },
  '@ai-sdk/mcp 2': async (url, authentication) => {
    const { createMCPClient } = await import('@ai-sdk/mcp')
    const client = await createMCPClient({ transport: { type: 'http', url, ...authentication } })
    return { call: async () => JSON.stringify(await client.callTool(TOOL)), close: () => client.close() }
  },
} as const satisfies Readonly<Record<string, Connect>>

export type CallerName = keyof typeof callers
