import { type Client, SAID, UNUSED } from './client.ts'

export const openaiAgents: Client = {
  name: 'OpenAI Agents',
  server: 'llm',
  takes: 'fetch',
  package: '@openai/agents',
  option: "setDefaultOpenAIClient(new OpenAI({ apiKey: 'unused', fetch }))",
  calls: { run: SAID, 'run with a tool': SAID },
  streams: ['run'],
  async build({ url, fetch }) {
    const { Agent, OpenAIProvider, Runner, tool } = await import('@openai/agents')
    const { APIError, AuthenticationError, OpenAI } = await import('openai')
    const { z } = await import('zod')
    const openAIClient = new OpenAI({ apiKey: UNUSED, baseURL: `${url}/v1`, fetch })
    // setDefaultOpenAIClient sets the client for the whole process. Here one runner gets it.
    const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient }), tracingDisabled: true })
    const agent = new Agent({ name: 'Assistant', instructions: 'Be brief.', model: 'gpt-5' })
    const weather = tool({
      name: 'weather',
      description: 'The weather.',
      parameters: z.object({ city: z.string() }),
      execute: ({ city }) => `It rains in ${city}.`,
    })
    const withTool = agent.clone({ tools: [weather] })
    return {
      calls: {
        run: async () => String((await runner.run(agent, 'Hello?')).finalOutput),
        'run with a tool': async () => String((await runner.run(withTool, 'Hello?')).finalOutput),
      },
      streams: {
        async *run() {
          const result = await runner.run(agent, 'Hello?', { stream: true })
          yield* result.toTextStream()
          await result.completed
        },
      },
      isRefusal: (error) => error instanceof AuthenticationError,
      isBroken: (error) => error instanceof APIError,
    }
  },
}
