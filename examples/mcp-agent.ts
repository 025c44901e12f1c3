/**
 * An agent of the AI SDK with the tools of two MCP servers. Each server has its own login, which all runs and processes of the agent share.
 * If there is no login, the agent prints the URL at which you log in.
 */
import { createMCPClient, type MCPClient } from '@ai-sdk/mcp'
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, isStepCount } from 'ai'
import { createCredential, RefreshError, refreshingFetch } from 'llm-refresh'
import { mcp, mcpLogin } from 'llm-refresh/sources/mcp'
import { fileStore } from 'llm-refresh/stores/file'
import { fetch as modelFetch } from './credential.ts'

const store = fileStore({ path: process.env['LOGINS'] })

async function connect(url: string): Promise<MCPClient> {
  const credential = createCredential({ source: mcp(url, { store }), store, key: url })
  const fetch = refreshingFetch(credential, { origins: new URL(url).origin })
  try {
    await credential.accessToken()
  } catch (error) {
    if (!(error instanceof RefreshError) || error.code !== 'reauthentication_required') throw error
    const login = mcpLogin(url, { store })
    await credential.login(await login.inBrowser({ open: (to) => console.log(`Open ${to}`) }))
  }
  return createMCPClient({ transport: { type: 'http', url, fetch } })
}

const [weather, calendar] = await Promise.all([
  connect(process.env['WEATHER_URL'] ?? 'https://weather.example.com/mcp'),
  connect(process.env['CALENDAR_URL'] ?? 'https://calendar.example.com/mcp'),
])
try {
  const { text } = await generateText({
    model: createOpenAI({ fetch: modelFetch })('gpt-5'),
    tools: { ...(await weather.tools()), ...(await calendar.tools()) },
    prompt: 'Can I have lunch outside on Friday?',
    stopWhen: isStepCount(5),
  })
  console.log(text)
} finally {
  await Promise.all([weather.close(), calendar.close()])
}
