import { aiSdk5 } from './ai-sdk-5.ts'
import { aiSdk6 } from './ai-sdk-6.ts'
import { aiSdk7 } from './ai-sdk-7.ts'
import { aiSdkMcp } from './ai-sdk-mcp.ts'
import { aiSdk5Model, aiSdk6Model, aiSdk7Model } from './ai-sdk-models.ts'
import { anthropic } from './anthropic.ts'
import { axiosClient } from './axios.ts'
import type { Client, Row } from './client.ts'
import { plainFetch } from './fetch.ts'
import { google } from './google.ts'
import { kyClient } from './ky.ts'
import { langchain, langchainAnthropic } from './langchain.ts'
import { mastra } from './mastra.ts'
import { mcp2 } from './mcp-2.ts'
import { mcp } from './mcp.ts'
import { ofetchClient } from './ofetch.ts'
import { openai6 } from './openai-6.ts'
import { openaiAgents } from './openai-agents.ts'
import { openai7 } from './openai.ts'
import { undici } from './undici.ts'

/** Every tested client. The tests show that each survives an expired token. */
export const clients: readonly Client[] = [
  openai7,
  openai6,
  anthropic,
  google,
  aiSdk7,
  aiSdk6,
  aiSdk5,
  aiSdk7Model,
  aiSdk6Model,
  aiSdk5Model,
  langchain,
  langchainAnthropic,
  openaiAgents,
  mcp,
  mcp2,
  aiSdkMcp,
  plainFetch,
  kyClient,
  ofetchClient,
  axiosClient,
  undici,
]

/** The rows of the table in docs/clients.md. */
export const rows: readonly Row[] = clients.flatMap((client) => [
  ...(client.parts ?? [{ ...client, calls: Object.keys(client.calls) }]),
  ...(client === aiSdkMcp ? [mastra] : []),
])
