import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OAuthClientProvider } from '@ai-sdk/mcp'
import { mastra } from '../clients/mastra.ts'

/** One connection of an MCP client. */
export interface Caller {
  /** Calls a tool. @returns the tool's text */
  call(): Promise<string>
}

/** How a client authenticates: through the given fetch, or through its own `authProvider`. */
export type Authentication = { readonly fetch: typeof fetch } | { readonly authProvider: OAuthClientProvider }

export type Connect = (url: string, authentication: Authentication) => Promise<Caller>

const TOOL = { name: 'say', arguments: { to: 'you' } }

const name = { name: 'storm', version: '1.0.0' }

/** The part of Mastra's client that this file uses. The examples do not install that client. */
interface Mastra {
  readonly MCPClient: new (options: {
    id: string
    servers: Record<string, { url: URL; connectTimeout: number } & Authentication>
  }) => {
    listTools(): Promise<
      Record<string, { execute?: (input: unknown, context: object) => Promise<unknown> } | undefined>
    >
  }
}

/** The packages of clients that the examples do not install. The trial installs them. */
export const packages: Readonly<Partial<Record<string, readonly string[]>>> = {
  '@mastra/mcp 2': mastra.installed ?? [],
}

/**
 * The MCP clients of a storm, each used as its documentation shows it. Each outer function loads the client, before the test makes a token, so
 * that no token ages meanwhile. Its argument is the folder with the client's `packages`.
 */
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
  '@mastra/mcp 2': async (folder) => {
    process.env['MASTRA_TELEMETRY_DISABLED'] = '1'
    const path = createRequire(join(folder, 'package.json')).resolve('@mastra/mcp')
    const { MCPClient } = (await import(pathToFileURL(path).href)) as Mastra
    let made = 0
    return async (url, authentication) => {
      // Mastra's default is 3 s. On a busy machine a connection takes longer.
      const servers = { storm: { url: new URL(url), connectTimeout: 60_000, ...authentication } }
      const { storm_say: tool } = await new MCPClient({ id: `storm-${++made}`, servers }).listTools()
      if (tool?.execute === undefined) throw new Error('Mastra lists no tools of the server.')
      const execute = tool.execute.bind(tool)
      return { call: async () => JSON.stringify(await execute(TOOL.arguments, {})) }
    }
  },
} as const satisfies Readonly<Record<string, (folder: string) => Promise<Connect>>>

export type CallerName = keyof typeof callers
