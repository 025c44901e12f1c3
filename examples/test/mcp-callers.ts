import type { OAuthClientProvider } from '@ai-sdk/mcp'

/** One connection of an MCP client. */
export interface Caller {
  /** Calls a tool. @returns what it said */
  call(): Promise<string>
}

/** How a client authenticates: by the fetch that it is given, or by itself. */
export type Authentication = { readonly fetch: typeof fetch } | { readonly authProvider: OAuthClientProvider }

export type Connect = (url: string, authentication: Authentication) => Promise<Caller>

const TOOL = { name: 'say', arguments: { to: 'you' } }

const name = { name: 'storm', version: '1.0.0' }

/** The MCP clients of a storm, each as its documentation shows it. Each is loaded first, so that no token ages meanwhile. */
export const callers = {
  '@modelcontextprotocol/sdk 1': async () => {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
    const { StreamableHTTPClientTransport } =
      await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
    return async (url, authentication) => {
      const client = new Client(name)
      await client.connect(new StreamableHTTPClientTransport(new URL(url), authentication))
      return { call: async () => JSON.stringify(await client.callTool(TOOL)) }
    }
  },
  '@modelcontextprotocol/client 2': async () => {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
    return async (url, authentication) => {
      const client = new Client(name)
      await client.connect(new StreamableHTTPClientTransport(new URL(url), authentication))
      return { call: async () => JSON.stringify(await client.callTool(TOOL)) }
    }
  },
  '@ai-sdk/mcp 2': async () => {
    const { createMCPClient } = await import('@ai-sdk/mcp')
    return async (url, authentication) => {
      const client = await createMCPClient({ transport: { type: 'http', url, ...authentication } })
      return { call: async () => JSON.stringify(await client.callTool(TOOL)) }
    }
  },
} as const satisfies Readonly<Record<string, () => Promise<Connect>>>

export type CallerName = keyof typeof callers
